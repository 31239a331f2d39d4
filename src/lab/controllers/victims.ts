import { asNumber, asString, at, type JsonObject } from '../../model/json.js'
import { metadataOf } from '../store/object.js'
import { isReady, nodeOf, phaseOf, readySince, restartsOf } from './pods.js'

const PHASE_ORDER = ['Pending', 'Unknown', 'Running']

/**
 * The pods that a controller with too many deletes first: unassigned before assigned, pending before running, not ready before
 * ready, cheaper to delete, on a node with more of them, ready for a shorter time, restarted more often, newer.
 * Source: kubernetes/pkg/controller, ActivePodsWithRanks.
 */
export function inDeletionOrder(pods: readonly JsonObject[]): readonly JsonObject[] {
  const onNode = new Map<string, number>()
  for (const pod of pods) onNode.set(nodeOf(pod), (onNode.get(nodeOf(pod)) ?? 0) + 1)
  const criteria: readonly ((pod: JsonObject) => number | string)[] = [
    (pod) => Number(nodeOf(pod) !== ''),
    (pod) => PHASE_ORDER.indexOf(phaseOf(pod)),
    (pod) => Number(isReady(pod)),
    deletionCost,
    (pod) => -(onNode.get(nodeOf(pod)) ?? 0),
    (pod) => newestFirst(readySince(pod)),
    (pod) => -restartsOf(pod),
    (pod) => newestFirst(asString(metadataOf(pod).creationTimestamp) ?? ''),
  ]
  return pods.toSorted((a, b) => {
    for (const criterion of criteria) {
      const [left, right] = [criterion(a), criterion(b)]
      if (left !== right) return left < right ? -1 : 1
    }
    return 0
  })
}

function deletionCost(pod: JsonObject): number {
  return (
    asNumber(Number(at(pod, 'metadata', 'annotations', 'controller.kubernetes.io/pod-deletion-cost') ?? 0)) ??
    0
  )
}

function newestFirst(time: string): number {
  return time === '' ? 0 : -Date.parse(time)
}
