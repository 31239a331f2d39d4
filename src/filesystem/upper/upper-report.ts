import { ImpoundError } from '../../model/errors.js'
import { REASON_OF } from '../../model/evidence.js'
import type { Completeness } from '../completeness.js'
import { MountTable } from '../mounts.js'
import type { NodeCaptureEnd } from './node-capture.js'
import type { UpperEnd, UpperReading } from './read-upper.js'

/** What reading a container on its node does to it. */
export const NODE_DISTURBANCE: readonly string[] = [
  "none in the container: its upper directory was read on the node's disk; whoever is root on the node can see the pod of ours that did it",
  'access times: tar asked the kernel not to set them; those of directories that were listed, and of files of which only a digest was taken, may have moved, for mounts below the read-only /host can be writable before Kubernetes 1.31',
]

/** Whether a capture is all of it: its own end, the far end's count and digest, and exit status 0. */
export function upperCompleteness(
  upper: UpperEnd,
  { run, failure }: NodeCaptureEnd,
  cut: number,
): Completeness {
  const broken = failure ?? upper.failure
  if (broken !== undefined) return { complete: false, reason: REASON_OF[broken.code], why: broken.message }
  if (run?.complete !== true)
    return { complete: false, reason: 'cut', why: 'what arrived is not what the node says it sent' }
  if (run.exitCode !== 0)
    return {
      complete: false,
      reason: 'target-refused',
      why: `the script on the node ended with ${run.exitCode}`,
    }
  if (cut > 0)
    return { complete: false, reason: 'target-refused', why: `${cut} files could not be read on the node` }
  return { complete: true }
}

/** What reading by the node can't see in this container, a line each. */
export function degradedByNode(
  reading: UpperReading,
  end: UpperEnd,
  capture: NodeCaptureEnd,
  volumes: readonly string[],
): readonly string[] {
  const { facts, noLower } = reading
  const lines = [
    'the upper directory shows what is left of what was written: not what was written and removed again, and not what root on the node changed in a layer below',
  ]
  if (!facts.sysadmin)
    lines.push(
      'the pod on the node lacks CAP_SYS_ADMIN: marks of the overlay and trusted attributes read as absent, and what lay below replaced directories is not known',
    )
  if (noLower !== undefined) lines.push(`the layers on the node could not be had either: ${noLower}`)
  if (end.foreignOwners > 0)
    lines.push(
      `${end.foreignOwners} paths belong to ids that the container's user namespace does not have: they are given as the node has them`,
    )
  if (end.leftOut > 0)
    lines.push(
      `${end.leftOut} files were more than the bound on content: of them only metadata and the node's digest came, and no extended attributes`,
    )
  if (!end.isCompared) lines.push('whether files changed while they were read is not known')
  if (end.alive === false) lines.push("the container's first process ended while its files were read")
  if (end.troubles.length > 0)
    lines.push(
      `programs on the node that did not end with 0: ${end.troubles.join(', ')}${complaint(capture)}`,
    )
  for (const mount of new MountTable(facts.mounts, volumes).unexplained().slice(0, 20)) {
    const name = Buffer.from(`/${mount}`, 'latin1').toString('utf8')
    lines.push(
      `a mount at ${name} that neither the pod's spec nor a runtime explains: what is in it was not read, what lies under it was`,
    )
  }
  return lines
}

function complaint({ run }: NodeCaptureEnd): string {
  const first = run?.stderr.split('\n').find((line) => line.trim() !== '')
  return first === undefined ? '' : ` (${first.slice(0, 200)})`
}

/** The id of a container as runtimes know it, from 'containerd://ID'. Throws `unsupported`. */
export function runtimeID(containerID: string): string {
  const id = /^[a-z0-9-]+:\/\/([0-9a-f]{64})$/.exec(containerID)?.[1]
  if (id === undefined)
    throw new ImpoundError(
      'unsupported',
      `the status names no container that its node could be asked for: '${containerID}'`,
    )
  return id
}
