import { isDeepStrictEqual } from 'node:util'

import { asNumber, asObject, asString, asStringMap, at, type JsonObject } from '../../model/json.js'
import type { LabelSelector } from '../../model/kubernetes.js'
import { selectorMatches } from '../../model/selector.js'
import { labelsOf, metadataOf, namespaceOf, uidOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { ControllerContext } from './context.js'
import { controllerOf, isActive, isReady } from './pods.js'

const TABLE = 'poddisruptionbudgets.policy'

/** Owners whose number of pods a budget in percent, or of unavailable pods, is of. */
const SCALED = ['replicasets.apps', 'statefulsets.apps', 'replicationcontrollers']

/** Counts for every PodDisruptionBudget how many of its pods may go. Source: kubernetes/pkg/controller/disruption. */
export function reconcileBudgets({ store }: ControllerContext): void {
  for (const budget of store.list(TABLE)) {
    const counted = countsOf(store, budget)
    const before = asObject(budget.status) ?? {}
    const status = { ...before, ...counted }
    if (!isDeepStrictEqual(before, status)) store.put(TABLE, { ...budget, status })
  }
}

function countsOf(store: Store, budget: JsonObject): JsonObject {
  const selector = asObject(at(budget, 'spec', 'selector')) ?? {}
  const query = { ...(selector as LabelSelector), matchLabels: asStringMap(selector.matchLabels) }
  const pods = store
    .list('pods', namespaceOf(budget))
    .filter((pod) => isActive(pod) && selectorMatches(query, labelsOf(pod)))
  const [least, most] = [at(budget, 'spec', 'minAvailable'), at(budget, 'spec', 'maxUnavailable')]
  const expectedPods = typeof least === 'number' ? pods.length : expectedBy(store, pods)
  const desiredHealthy =
    most === undefined ? amount(least, expectedPods) : Math.max(0, expectedPods - amount(most, expectedPods))
  const currentHealthy = pods.filter(isReady).length
  const generation = asNumber(metadataOf(budget).generation)
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    disruptionsAllowed: expectedPods === 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy),
    currentHealthy,
    desiredHealthy,
    expectedPods,
  }
}

/** What the controllers of the pods say; a pod without one counts for itself. */
function expectedBy(store: Store, pods: readonly JsonObject[]): number {
  const owners = new Set(
    pods.map((pod) => asString(controllerOf(pod)?.uid)).filter((uid) => uid !== undefined),
  )
  const scaled = SCALED.flatMap((table) => store.list(table)).filter((owner) => owners.has(uidOf(owner)))
  const bare = pods.filter((pod) => controllerOf(pod) === undefined).length
  return scaled.reduce((sum, owner) => sum + (asNumber(at(owner, 'spec', 'replicas')) ?? 1), bare)
}

/** A number, or a part in percent, rounded up. */
function amount(value: unknown, of: number): number {
  const percent = /^(\d+)%$/.exec(asString(value) ?? '')?.[1]
  return percent === undefined ? (asNumber(value) ?? 0) : Math.ceil((of * Number(percent)) / 100)
}
