import { asArray, asObject, asString, at, type Json, type JsonObject } from '../model/json.js'
import type { EphemeralContainer } from '../model/ports/ephemeral.js'
import type { Pod } from '../model/kubernetes.js'

/** It ends by itself after so long, whoever was to end it: seconds. */
export const LIFETIME_S = 2 * 60 * 60
/** What a run writes into to end it: a pipe in its own filesystem. */
export const END = '/tmp/impound-end'

/** Holds it open until somebody writes into the pipe, or its time is over. */
const HOLD = `mkfifo ${END} && exec timeout ${LIFETIME_S} sh -c 'read -r word <${END}'; exec sleep ${LIFETIME_S}`

/** One way to be admitted beside the target. */
export interface Candidate {
  readonly user: EphemeralContainer['user']
  readonly container: JsonObject
}

/**
 * The containers that could read the root of `target`, the one that sees most first. Linux lets a process look through /proc/PID/root if it has
 * CAP_SYS_PTRACE, or the same uid and at least the capabilities (ptrace(2), "Ptrace access mode checking"). Root with SYS_PTRACE reads every
 * file, and no process of a lesser user can trace or stop it; where that is not admitted, the target's own security context is.
 */
export function candidates(pod: Pod, target: string, name: string, image: string): readonly Candidate[] {
  const security = asObject(at(containerIn(pod, target), 'securityContext')) ?? {}
  // ours writes its pipe, into a filesystem of its own
  const own = Object.fromEntries(
    Object.entries(security).filter(([field]) => field !== 'readOnlyRootFilesystem'),
  )
  const base = {
    name,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', HOLD],
    targetContainerName: target,
  }
  const added = asArray(at(security, 'capabilities', 'add')).map((one) => asString(one) ?? '')
  const root = {
    ...own,
    runAsUser: 0,
    runAsGroup: 0,
    runAsNonRoot: false,
    capabilities: { add: [...new Set([...added, 'SYS_PTRACE'])] },
  }
  return [
    { user: 'root-ptrace', container: { ...base, securityContext: root } },
    {
      user: 'as-target',
      container: { ...base, ...(Object.keys(own).length === 0 ? {} : { securityContext: own }) },
    },
  ]
}

/** As the API has it: the types know less of it than it says. */
function containerIn(pod: Pod, name: string): Json | undefined {
  return ['containers', 'initContainers']
    .flatMap((list) => asArray(at(pod, 'spec', list)))
    .find((one) => at(one, 'name') === name)
}

/** 'impound-1f3a9c02-0': of the run, and which of its containers in this pod. */
export function ephemeralName(run: string, index: number): string {
  return `impound-${run.slice(run.lastIndexOf('-') + 1).toLowerCase()}-${index}`
}
