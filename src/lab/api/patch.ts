import { asObject, type Json, type JsonObject } from '../../model/json.js'
import { parseJson } from './body.js'
import type { ApiCall } from './call.js'
import { applyJsonPatch, PatchFailed } from './json-patch.js'
import { applyMergePatch } from './merge-patch.js'
import { badRequest, patchRejected, unsupportedMediaType } from './status.js'

/** More operations than this the API server refuses. */
const MOST_OPERATIONS = 10_000

/** The object with the request's patch applied, by its content type. */
export function patched(object: JsonObject, call: ApiCall): JsonObject {
  switch (call.contentType) {
    case 'application/json-patch+json':
      return asDocument(jsonPatched(object, parseJson(call.body)))
    // of a strategic patch the lab knows maps, which merge as in a merge patch; lists that merge by key it does not
    case 'application/strategic-merge-patch+json':
    case 'application/merge-patch+json': {
      const patch = parseJson(call.body)
      if (asObject(patch) === undefined) throw badRequest('a merge patch must be an object')
      return asDocument(applyMergePatch(object, patch))
    }
    default:
      throw unsupportedMediaType('415: Unsupported Media Type', {})
  }
}

function jsonPatched(object: JsonObject, patch: Json): Json {
  if (!Array.isArray(patch))
    throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  const operations = patch as readonly Json[]
  if (operations.length > MOST_OPERATIONS) throw patchRejected()
  try {
    return applyJsonPatch(object, operations)
  } catch (error) {
    if (error instanceof PatchFailed) throw patchRejected()
    throw error
  }
}

function asDocument(value: Json): JsonObject {
  const document = asObject(value)
  if (document === undefined) throw patchRejected()
  return document
}
