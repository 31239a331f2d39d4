import { asObject, type Json, type JsonObject } from '../../model/json.js'
import { parseJson } from './body.js'
import type { ApiCall } from './call.js'
import { applyJsonPatch, PatchFailed } from './json-patch.js'
import { applyMergePatch } from './merge-patch.js'
import { badRequest, patchRejected, unsupportedMediaType } from './status.js'
import { applyStrategicPatch, invalidPatch } from './strategic-patch.js'

/** More operations than this the API server refuses. */
const MOST_OPERATIONS = 10_000

const NO_OBJECT =
  'couldn\'t get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

/** The object with the request's patch applied, by its content type. */
export function patched(object: JsonObject, call: ApiCall): JsonObject {
  switch (call.contentType) {
    case 'application/json-patch+json':
      return asDocument(jsonPatched(object, parseJson(call.body)))
    case 'application/strategic-merge-patch+json': {
      const patch = asObject(parseJson(call.body))
      if (patch === undefined) {
        throw badRequest('json: cannot unmarshal array into Go value of type map[string]interface {}')
      }
      return applyStrategicPatch(call.resource.kind, object, patch)
    }
    case 'application/merge-patch+json': {
      const patch = parseJson(call.body)
      if (asObject(patch) === undefined) throw invalidPatch(JSON.stringify(patch), NO_OBJECT)
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
