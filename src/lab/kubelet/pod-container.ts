import type { LabContainer, LabRuntime } from '../types.js'
import { asArray, asString, at, type JsonObject } from '../../model/json.js'
import { badRequest } from '../api/status.js'
import { nameOf } from '../store/object.js'

/**
 * The container of a pod that a request means: the named one, or the only one. Throws the 400 that the API server
 * answers with where it can't be told.
 */
export function containerNamed(pod: JsonObject, wanted: string | null): string {
  const all = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) =>
    asArray(at(pod, 'spec', list)).map((container) => asString(at(container, 'name')) ?? ''),
  )
  if (wanted !== null && wanted !== '') {
    if (all.includes(wanted)) return wanted
    throw badRequest(`container ${wanted} is not valid for pod ${nameOf(pod)}`)
  }
  const main = asArray(at(pod, 'spec', 'containers')).map(
    (container) => asString(at(container, 'name')) ?? '',
  )
  const [only] = main
  if (only !== undefined && main.length === 1) return only
  const init = asArray(at(pod, 'spec', 'initContainers')).map(
    (container) => asString(at(container, 'name')) ?? '',
  )
  const others = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`
  throw badRequest(
    `a container name must be specified for pod ${nameOf(pod)}, choose one of: [${main.join(' ')}]${others}`,
  )
}

interface ContainerPhase {
  readonly state: 'running' | 'waiting' | 'terminated'
  readonly reason: string
  /** Whether an earlier run ended. */
  readonly ranBefore: boolean
}

/** Where the pod's status has the container; one that it doesn't know yet waits. */
export function stateOf(pod: JsonObject, name: string): ContainerPhase {
  const statuses = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'].flatMap(
    (list) => asArray(at(pod, 'status', list)),
  )
  const status = statuses.find((candidate) => at(candidate, 'name') === name)
  const ranBefore = at(status, 'lastState', 'terminated') !== undefined
  for (const state of ['running', 'waiting', 'terminated'] as const) {
    const found = at(status, 'state', state)
    if (found !== undefined) return { state, reason: asString(at(found, 'reason')) ?? '', ranBefore }
  }
  return { state: 'waiting', reason: 'ContainerCreating', ranBefore }
}

export function runtimeContainer(
  runtime: LabRuntime,
  pod: JsonObject,
  name: string,
): LabContainer | undefined {
  return stateOf(pod, name).state === 'running' ? runtime.container(pod, name) : undefined
}
