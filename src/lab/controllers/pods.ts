import { asArray, asNumber, asObject, asString, at, type JsonObject } from '../../model/json.js'
import { metadataOf, objectsIn } from '../store/object.js'

export function isTerminating(pod: JsonObject): boolean {
  return metadataOf(pod).deletionTimestamp !== undefined
}

export function phaseOf(pod: JsonObject): string {
  return asString(at(pod, 'status', 'phase')) ?? ''
}

/** Whether a pod counts for its controller: neither finished nor on its way out. */
export function isActive(pod: JsonObject): boolean {
  return !isTerminating(pod) && phaseOf(pod) !== 'Succeeded' && phaseOf(pod) !== 'Failed'
}

export function isReady(pod: JsonObject): boolean {
  return readyCondition(pod)?.status === 'True'
}

/** When the pod became ready, RFC 3339; empty where it isn't. */
export function readySince(pod: JsonObject): string {
  return isReady(pod) ? (asString(readyCondition(pod)?.lastTransitionTime) ?? '') : ''
}

function readyCondition(pod: JsonObject): JsonObject | undefined {
  return objectsIn(at(pod, 'status', 'conditions')).find(({ type }) => type === 'Ready')
}

export function restartsOf(pod: JsonObject): number {
  const counts = asArray(at(pod, 'status', 'containerStatuses')).map(
    (status) => asNumber(at(status, 'restartCount')) ?? 0,
  )
  return Math.max(0, ...counts)
}

export function nodeOf(pod: JsonObject): string {
  return asString(at(pod, 'spec', 'nodeName')) ?? ''
}

export function podIpOf(pod: JsonObject): string {
  return asString(at(pod, 'status', 'podIP')) ?? ''
}

/** The one owner reference that says controller. */
export function controllerOf(object: JsonObject): JsonObject | undefined {
  return objectsIn(metadataOf(object).ownerReferences).find(({ controller }) => controller === true)
}

export function specOf(object: JsonObject): JsonObject {
  return asObject(object.spec) ?? {}
}
