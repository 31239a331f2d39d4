import { asArray, asObject, asString, asStringMap, at, type Json, type JsonObject } from '../../model/json.js'

export interface ObjectRef {
  readonly namespace: string | undefined
  readonly name: string
}

export function nameOf(object: JsonObject): string {
  return asString(at(object, 'metadata', 'name')) ?? ''
}

export function namespaceOf(object: JsonObject): string | undefined {
  return asString(at(object, 'metadata', 'namespace'))
}

export function uidOf(object: JsonObject): string {
  return asString(at(object, 'metadata', 'uid')) ?? ''
}

export function labelsOf(object: JsonObject): Readonly<Record<string, string>> {
  return asStringMap(at(object, 'metadata', 'labels'))
}

export function metadataOf(object: JsonObject): JsonObject {
  return asObject(object.metadata) ?? {}
}

/** The objects of a list; what is none is left out. */
export function objectsIn(list: unknown): readonly JsonObject[] {
  return asArray(list)
    .map(asObject)
    .filter((item) => item !== undefined)
}

export function omit(object: JsonObject, ...keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** The order in which the API server writes metadata. */
const METADATA_ORDER = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
]

/** The object with some of its metadata replaced; a field that is undefined here is left out, an empty map too. */
export function withMetadata(
  object: JsonObject,
  changes: Readonly<Record<string, Json | undefined>>,
): JsonObject {
  const merged: Record<string, Json | undefined> = { ...metadataOf(object), ...changes }
  const keys = [...METADATA_ORDER, ...Object.keys(merged).filter((key) => !METADATA_ORDER.includes(key))]
  const metadata: Record<string, Json> = {}
  for (const key of keys) {
    const value = merged[key]
    if (value !== undefined && !isEmpty(value)) metadata[key] = value
  }
  return { ...object, metadata }
}

/** The API server's encoder leaves out empty maps and lists of metadata, and empty strings. */
function isEmpty(value: Json): boolean {
  if (value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** kind, apiVersion, metadata first, as the API server writes them; the rest in its own order. */
export function encodeOrder(object: JsonObject): JsonObject {
  const { kind, apiVersion, metadata, ...rest } = object
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(metadata === undefined ? {} : { metadata }),
    ...rest,
  }
}
