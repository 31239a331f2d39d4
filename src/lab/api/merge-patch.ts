import { asObject, type Json } from '../../model/json.js'

/** RFC 7396 JSON Merge Patch: null removes a member, lists are replaced whole. */
export function applyMergePatch(document: Json, patch: Json): Json {
  const changes = asObject(patch)
  if (changes === undefined) return patch
  const merged = new Map(Object.entries(asObject(document) ?? {}))
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) merged.delete(key)
    else merged.set(key, applyMergePatch(merged.get(key) ?? null, value))
  }
  return Object.fromEntries(merged)
}
