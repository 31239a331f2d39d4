import { isDeepStrictEqual } from 'node:util'

import { asArray, asObject, at, type Json, type JsonObject } from '../../model/json.js'
import { metadataOf, objectsIn, withMetadata } from '../store/object.js'

/** FieldsV1: a tree of 'f:name' and 'k:{"key":…}', with '.' where a map or list item itself is owned. */
type Fields = { readonly [field: string]: Fields }

const UNOWNED_METADATA = new Set([
  'name',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
])

/** What names an item of the lists that merge by key. Source: the listMapKeys of the API's OpenAPI document. */
const LIST_KEYS: Readonly<Record<string, readonly string[]>> = {
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  podIPs: ['ip'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
}

/** Maps that belong to one manager as a whole. */
const ATOMIC = new Set(['selector', 'podSelector', 'resources', 'securityContext', 'subsets'])

/**
 * The object with its managedFields as an Update by this manager leaves them: it takes over what it changed, and fields
 * that are gone leave every entry.
 */
export function withManagedFields(
  object: JsonObject,
  before: JsonObject | undefined,
  write: { readonly manager: string; readonly apiVersion: string; readonly time: Date },
): JsonObject {
  const all = fieldsOf(object)
  const changed = before === undefined ? all : difference(all, object, before)
  const entries = objectsIn(metadataOf(before ?? {}).managedFields)
  const own = (entry: JsonObject): boolean =>
    entry.manager === write.manager && entry.subresource === undefined
  const kept = entries.flatMap((entry) => {
    const present = intersection(asFields(entry.fieldsV1), all)
    const fields = own(entry) ? union(present, changed) : without(present, changed)
    if (isDeepStrictEqual(fields, asFields(entry.fieldsV1))) return [entry]
    if (Object.keys(fields).length === 0) return []
    return [{ ...entry, ...(own(entry) ? { time: seconds(write.time) } : {}), fieldsV1: fields }]
  })
  const isNew = !entries.some(own) && Object.keys(changed).length > 0
  const added = {
    manager: write.manager,
    operation: 'Update',
    apiVersion: write.apiVersion,
    time: seconds(write.time),
    fieldsType: 'FieldsV1',
    fieldsV1: changed,
  }
  return withMetadata(object, { managedFields: isNew ? [...kept, added] : kept })
}

/** RFC 3339 in whole seconds, as metav1.Time is written. */
export function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}

function asFields(value: unknown): Fields {
  return (asObject(value) ?? {}) as Fields
}

function fieldsOf(object: JsonObject): Fields {
  const fields: Record<string, Fields> = {}
  for (const [key, value] of Object.entries(object)) {
    if (key === 'kind' || key === 'apiVersion') continue
    const owned =
      key === 'metadata'
        ? Object.fromEntries(
            Object.entries(asObject(value) ?? {}).filter(([name]) => !UNOWNED_METADATA.has(name)),
          )
        : value
    const inner = fieldsBelow(owned, key, 1)
    if (Object.keys(inner).length > 0 || typeof owned !== 'object') fields[`f:${key}`] = inner
  }
  return fields
}

function fieldsBelow(value: Json, name: string, depth: number): Fields {
  const keys = LIST_KEYS[name]
  if (Array.isArray(value) && keys !== undefined) {
    const items = (value as readonly Json[]).map((item): [string, Fields] => [
      `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, at(item, key) as Json])))}`,
      { '.': {}, ...fieldsBelow(item, '', depth + 1) },
    ])
    return { '.': {}, ...Object.fromEntries(items) }
  }
  const object = asObject(value)
  if (object === undefined || ATOMIC.has(name)) return {}
  const members = Object.entries(object).map(([key, member]): [string, Fields] => [
    `f:${key}`,
    fieldsBelow(member, key, depth + 1),
  ])
  const isMap = name === 'labels' || name === 'annotations' || name === 'data' || name === 'matchLabels'
  return { ...(isMap && members.length > 0 ? { '.': {} } : {}), ...Object.fromEntries(members) }
}

/** The fields of `all` whose values differ between the two objects. */
function difference(all: Fields, now: Json | undefined, before: Json | undefined): Fields {
  const changed: Record<string, Fields> = {}
  for (const [field, inner] of Object.entries(all)) {
    if (field === '.') {
      if (before === undefined) changed['.'] = {}
      continue
    }
    const [is, was] = [memberAt(now, field), memberAt(before, field)]
    if (isDeepStrictEqual(is, was)) continue
    const deeper = difference(inner, is, was)
    if (Object.keys(inner).length === 0 || Object.keys(deeper).length > 0) changed[field] = deeper
  }
  return changed
}

function memberAt(value: Json | undefined, field: string): Json | undefined {
  if (field.startsWith('f:')) return at(value, field.slice(2)) as Json | undefined
  const key = Object.entries(JSON.parse(field.slice(2)) as JsonObject)
  return asArray(value).find((item) => key.every(([name, wanted]) => at(item, name) === wanted))
}

function intersection(fields: Fields, all: Fields): Fields {
  const entries = Object.entries(fields).filter(([field]) => field === '.' || Object.hasOwn(all, field))
  const kept = entries.map(([field, inner]): [string, Fields] => [
    field,
    intersection(inner, all[field] ?? {}),
  ])
  return Object.fromEntries(kept.filter(([field, inner]) => !becameEmpty(fields[field], inner)))
}

function without(fields: Fields, taken: Fields): Fields {
  const entries = Object.entries(fields).flatMap(([field, inner]): [string, Fields][] => {
    const gone = taken[field]
    if (gone === undefined || field === '.') return [[field, inner]]
    if (Object.keys(gone).length === 0) return []
    return [[field, without(inner, gone)]]
  })
  return Object.fromEntries(entries.filter(([field, inner]) => !becameEmpty(fields[field], inner)))
}

/** A subtree that lost all but its own mark says nothing any more. */
function becameEmpty(before: Fields | undefined, now: Fields): boolean {
  const members = (fields: Fields): number => Object.keys(fields).filter((field) => field !== '.').length
  return before !== undefined && members(before) > 0 && members(now) === 0
}

function union(a: Fields, b: Fields): Fields {
  const merged: Record<string, Fields> = { ...a }
  for (const [field, inner] of Object.entries(b)) merged[field] = union(a[field] ?? {}, inner)
  return merged
}
