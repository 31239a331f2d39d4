import type { Json, JsonObject } from '../../../model/json.js'
import { asArray, asObject } from '../../../model/json.js'

import { kubeTime } from '../moments.js'

export interface FieldOwner {
  readonly manager: string
  readonly apiVersion: string
  readonly at: Date
  readonly fields: JsonObject
  readonly subresource?: 'status'
}

/** metadata.managedFields, an entry for each owner, FieldsV1 worked out from the fields it set. */
export function managedFields(owners: readonly FieldOwner[]): readonly JsonObject[] {
  return owners.map((owner) => ({
    apiVersion: owner.apiVersion,
    fieldsType: 'FieldsV1',
    fieldsV1: fieldsV1(owner.fields),
    manager: owner.manager,
    operation: 'Update',
    ...(owner.subresource === undefined ? {} : { subresource: owner.subresource }),
    time: kubeTime(owner.at),
  }))
}

/** Lists whose items have owners of their own, and what tells the items apart; any other list is owned whole. */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  podIPs: ['ip'],
  ports: ['containerPort', 'protocol'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
}

/** Source: Kubernetes API reference, FieldsV1; structured-merge-diff. */
function fieldsV1(value: Json): JsonObject {
  return Object.fromEntries(
    Object.entries(asObject(value) ?? {}).map(([key, below]) => [
      `f:${key}`,
      Array.isArray(below) ? itemFields(asArray(below), LIST_KEYS[key] ?? []) : fieldsV1(below),
    ]),
  )
}

function itemFields(items: readonly Json[], keys: readonly string[]): JsonObject {
  const named = items.flatMap((item) => {
    const object = asObject(item)
    const key = object === undefined ? undefined : itemKey(object, keys)
    return object === undefined || key === undefined ? [] : [[key, { '.': {}, ...fieldsV1(object) }] as const]
  })
  return named.length === items.length ? Object.fromEntries<JsonObject>([['.', {}], ...named]) : {}
}

function itemKey(item: JsonObject, keys: readonly string[]): string | undefined {
  const parts = keys.flatMap((key) => {
    const value = item[key]
    return value === undefined ? [] : [[key, value] as const]
  })
  return parts.length > 0 && parts.length === keys.length
    ? `k:${JSON.stringify(Object.fromEntries(parts))}`
    : undefined
}
