import { asArray, asObject, at, type Json, type JsonObject } from '../../model/json.js'
import type { ApiCall } from './call.js'
import { badRequest, invalid, unsupportedMediaType } from './status.js'

/** The object that a create or update sends. */
export function parseBody(call: ApiCall): JsonObject {
  if (!['', 'application/json'].includes(call.contentType)) {
    throw unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: application/json',
    )
  }
  const object = asObject(parseJson(call.body))
  if (object === undefined) {
    throw badRequest(`the object provided is unrecognized (must be of type ${call.resource.kind})`)
  }
  return object
}

export function parseJson(body: Buffer): Json {
  try {
    return JSON.parse(body.toString()) as Json
  } catch (error) {
    throw badRequest(goParseError(body.toString(), error))
  }
}

/** The words of Go's decoder, as far as the place of the error tells them. */
function goParseError(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const position = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length)
  const char = /Unexpected token '(.)'/su.exec(message)?.[1] ?? text.charAt(position)
  if (char === '' || message.includes('end of JSON input')) return 'unexpected end of JSON input'
  return `invalid character '${char}' looking for beginning of value`
}

/** Whether a write is only tried: `?dryRun=All`, or `dryRun: ["All"]` in a delete's options. Other values are 422. */
export function isDryRun(
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions',
  query: URLSearchParams,
  options: JsonObject = {},
): boolean {
  const values = [...query.getAll('dryRun'), ...asArray(at(options, 'dryRun')).map(String)].filter(Boolean)
  if (values.every((value) => value === 'All')) return values.length > 0
  const shown = values.map((value) => JSON.stringify(value)).join(', ')
  throw invalid({ group: 'meta.k8s.io', kind }, '', [
    {
      reason: 'FieldValueNotSupported',
      field: 'dryRun',
      message: `Unsupported value: []string{${shown}}: supported values: "All"`,
    },
  ])
}
