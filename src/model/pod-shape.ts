import { asObject, at } from './json.js'

type Check = (value: unknown) => boolean

const isObject: Check = (value) => asObject(value) !== undefined
const isStringMap: Check = (value) => Object.values(asObject(value) ?? { no: 0 }).every(isString)
const isList: Check = (value) => Array.isArray(value) && value.every(isObject)
const isNamedList: Check = (value) =>
  isList(value) && (value as object[]).every((one) => isString(at(one, 'name')))

function isString(value: unknown): boolean {
  return typeof value === 'string'
}

const isStatusList: Check = (value) =>
  isNamedList(value) &&
  (value as object[]).every((one) => ['number', 'undefined'].includes(typeof at(one, 'restartCount')))

/** What the rest of the code takes for granted of a pod that is there; an absent or null field is always right. */
const SHAPE: readonly (readonly [path: string, check: Check])[] = [
  ['metadata.labels', isStringMap],
  ['metadata.annotations', isStringMap],
  ['metadata.ownerReferences', isList],
  ['spec', isObject],
  ['spec.initContainers', isNamedList],
  ['spec.containers', isNamedList],
  ['spec.ephemeralContainers', isNamedList],
  ['spec.volumes', isNamedList],
  ['spec.imagePullSecrets', isList],
  ['status', isObject],
  ['status.conditions', isList],
  ['status.initContainerStatuses', isStatusList],
  ['status.containerStatuses', isStatusList],
  ['status.ephemeralContainerStatuses', isStatusList],
]

/**
 * The field in which something that calls itself a pod is none ('spec.containers'), undefined where it is one. No API server
 * sends such a thing; what stands in its place may.
 */
export function notAPodIn(pod: unknown): string | undefined {
  return SHAPE.find(([path, check]) => {
    const value = at(pod, ...path.split('.'))
    return value !== undefined && value !== null && !check(value)
  })?.[0]
}
