import { podPath } from '../model/api-path.js'
import type { JournalEntry, Suspect, WriteContext } from '../model/containment.js'
import type { Pod } from '../model/kubernetes.js'
import type { JsonPatch } from '../model/ports/kube-writer.js'
import { converge } from './converge.js'
import { readPodIfThere } from './protecting-annotations.js'
import { readPod } from './reading.js'

/**
 * An annotation on the pod that says that something of ours stands on its node. It is written before the node is touched and
 * taken off last, so that the journal, other responders and a release from another machine know of it.
 */
export interface NodeMark {
  readonly action: string
  /** 'impound.dev/drop-connections'. */
  readonly key: string
}

export async function setMark(context: WriteContext, suspect: Suspect, mark: NodeMark): Promise<void> {
  await converge(context.run, async () => {
    const pod = await readPod(context.kube, suspect, context.run.signal)
    if (isMarked(pod, mark)) return 'done'
    const bare = pod.metadata?.annotations === undefined
    const patch: JsonPatch = [
      ...unchanged(pod),
      ...(bare ? [{ op: 'add' as const, path: '/metadata/annotations', value: {} }] : []),
      { op: 'add', path: pointer(mark), value: suspect.case },
    ]
    return { write: () => send(context, suspect, mark, 'mark', patch) }
  })
}

export async function clearMark(context: WriteContext, suspect: Suspect, mark: NodeMark): Promise<void> {
  await converge(context.run, async () => {
    const pod = await readPodIfThere(context, suspect)
    if (pod === undefined || !isMarked(pod, mark)) return 'done'
    const patch: JsonPatch = [...unchanged(pod), { op: 'remove', path: pointer(mark) }]
    return { write: () => send(context, suspect, mark, 'unmark', patch) }
  })
}

export function isMarked(pod: Pod, { key }: NodeMark): boolean {
  return pod.metadata?.annotations?.[key] !== undefined
}

/** Whether the mark was written, and is gone without our doing. */
export function markTakenOff(pod: Pod, mark: NodeMark, entries: readonly JournalEntry[]): boolean {
  const last = entries.findLast(({ outcome }) => outcome?.status === undefined || outcome.status < 400)
  return !isMarked(pod, mark) && last?.intent.step === 'mark' && last.outcome?.status !== undefined
}

/** Whether something of ours may stand on the node: by the journal, or by what the pod says where there is none. */
export function mayStand(pod: Pod, mark: NodeMark, entries: readonly JournalEntry[]): boolean {
  const last = entries.findLast(({ outcome }) => outcome?.status === undefined || outcome.status < 400)
  return isMarked(pod, mark) || last?.intent.step === 'mark'
}

function unchanged(pod: Pod): JsonPatch {
  return [
    { op: 'test', path: '/metadata/uid', value: pod.metadata?.uid ?? '' },
    { op: 'test', path: '/metadata/resourceVersion', value: pod.metadata?.resourceVersion ?? '' },
  ]
}

function send(
  { writer, run }: WriteContext,
  { namespace, name, uid, case: caseName }: Suspect,
  { action }: NodeMark,
  step: 'mark' | 'unmark',
  patch: JsonPatch,
): Promise<unknown> {
  return writer.patch(podPath(namespace, name), patch, {
    signal: run.signal,
    action,
    step,
    target: { namespace, name, uid },
    prior: { case: caseName },
  })
}

function pointer({ key }: NodeMark): string {
  return `/metadata/annotations/${key.replaceAll('/', '~1')}`
}
