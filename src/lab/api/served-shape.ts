import { asArray, asObject, asString, at, type Json, type JsonObject } from '../../model/json.js'
import { encodeOrder, omit } from '../store/object.js'
import { OLD_INGRESS } from './old-ingress.js'
import type { LabResource } from './resources.js'

/** An object as a group version shows it; the store has one shape for all versions. */
export function servedShape(object: JsonObject, resource: LabResource): JsonObject {
  const apiVersion = apiVersionOf(resource)
  const shaped = shapeOf(resource)?.served(object) ?? object
  return encodeOrder({ ...shaped, kind: resource.kind, apiVersion })
}

/** What a client of a group version sends, in the shape that the store has. */
export function storedShape(object: JsonObject, resource: LabResource): JsonObject {
  return shapeOf(resource)?.stored(object) ?? object
}

interface Shape {
  served(object: JsonObject): JsonObject
  stored(object: JsonObject): JsonObject
}

function shapeOf({ group, version, resource }: LabResource): Shape | undefined {
  if (group === 'events.k8s.io') return { served: asNewEvent, stored: fromNewEvent }
  if (group === 'discovery.k8s.io' && version === 'v1beta1')
    return { served: asOldSlice, stored: fromOldSlice }
  if (resource === 'ingresses' && version === 'v1beta1') return OLD_INGRESS
  return undefined
}

export function apiVersionOf(resource: { readonly group: string; readonly version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`
}

/** Items of a list carry no kind and no apiVersion. */
export function asListItem(object: JsonObject): JsonObject {
  return omit(object, 'kind', 'apiVersion')
}

const NEW_EVENT_FIELDS: readonly (readonly [stored: string, served: string])[] = [
  ['eventTime', 'eventTime'],
  ['series', 'series'],
  ['reportingComponent', 'reportingController'],
  ['reportingInstance', 'reportingInstance'],
  ['action', 'action'],
  ['reason', 'reason'],
  ['involvedObject', 'regarding'],
  ['related', 'related'],
  ['message', 'note'],
  ['type', 'type'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
]

/** A core/v1 Event as events.k8s.io/v1 shows it. */
function asNewEvent(event: JsonObject): JsonObject {
  const shown: Record<string, Json> = event.metadata === undefined ? {} : { metadata: event.metadata }
  for (const [stored, served] of NEW_EVENT_FIELDS) {
    const value = event[stored]
    if (value !== undefined && value !== '') shown[served] = value
  }
  return shown
}

function fromNewEvent(event: JsonObject): JsonObject {
  const stored: Record<string, Json> = {}
  const names = new Map(NEW_EVENT_FIELDS.map(([was, is]) => [is, was]))
  for (const [key, value] of Object.entries(event)) stored[names.get(key) ?? key] = value
  return stored
}

function fromOldSlice(slice: JsonObject): JsonObject {
  return {
    ...slice,
    endpoints: asArray(slice.endpoints).map((endpoint) => {
      const { topology, ...rest } = asObject(endpoint) ?? {}
      const [nodeName, zone] = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((key) =>
        asString(at(topology, key)),
      )
      return {
        ...rest,
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(zone === undefined ? {} : { zone }),
      }
    }),
  }
}

/** A discovery.k8s.io/v1 EndpointSlice as v1beta1 of 1.20 shows it: topology for nodeName, and readiness alone. */
function asOldSlice(slice: JsonObject): JsonObject {
  return {
    ...slice,
    endpoints: asArray(slice.endpoints).map((endpoint) => {
      const { nodeName, zone, conditions, ...rest } = asObject(endpoint) ?? {}
      const topology = {
        ...(asString(nodeName) === undefined ? {} : { 'kubernetes.io/hostname': asString(nodeName) ?? '' }),
        ...(asString(zone) === undefined ? {} : { 'topology.kubernetes.io/zone': asString(zone) ?? '' }),
      }
      return { ...omit(rest, 'hints'), conditions: { ready: at(conditions, 'ready') === true }, topology }
    }),
  }
}
