import type { JsonObject } from '../../model/json.js'

export interface GroupResource {
  readonly group: string
  readonly resource: string
}

/** 'pods', 'deployments.apps': how the API server's messages, and this lab's tables, name a resource. */
function qualified({ group, resource }: GroupResource): string {
  return group === '' ? resource : `${resource}.${group}`
}

interface Cause {
  readonly reason?: string
  readonly message: string
  readonly field?: string
}

interface StatusDetails {
  readonly name?: string
  readonly group?: string
  readonly kind?: string
  readonly causes?: readonly Cause[]
  readonly retryAfterSeconds?: number
}

/**
 * A failure as the API server says it: thrown by the lab's handlers, sent as a Status body.
 * Wording: k8s.io/apimachinery, pkg/api/errors; each was compared with a 1.20 server's answer.
 */
export class ApiStatus extends Error {
  override readonly name = 'ApiStatus'
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly #reason: string | undefined
  readonly #metadata: JsonObject
  readonly #details: StatusDetails | undefined

  constructor(
    code: number,
    reason: string | undefined,
    message: string,
    details?: StatusDetails,
    headers: Readonly<Record<string, string>> = {},
    metadata: JsonObject = {},
  ) {
    super(message)
    this.code = code
    this.headers = headers
    this.#reason = reason
    this.#details = details
    this.#metadata = metadata
  }

  get body(): JsonObject {
    const details = this.#details as JsonObject | undefined
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.#metadata,
      status: 'Failure',
      message: this.message,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(details === undefined ? {} : { details }),
      code: this.code,
    }
  }
}

/** What a kubelet, or the upgrade itself, answers with in plain text. */
export class PlainRefusal extends Error {
  override readonly name = 'PlainRefusal'
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

function about(of: GroupResource, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(of.group === '' ? {} : { group: of.group }),
    ...(of.resource === '' ? {} : { kind: of.resource }),
  }
}

export function unauthorized(): ApiStatus {
  return new ApiStatus(401, 'Unauthorized', 'Unauthorized')
}

export function forbidden(of: GroupResource, name: string, why: string): ApiStatus {
  const subject = name === '' ? qualified(of) : `${qualified(of)} "${name}"`
  return new ApiStatus(403, 'Forbidden', `${subject} is forbidden: ${why}`, about(of, name))
}

export function forbiddenPath(why: string): ApiStatus {
  return new ApiStatus(403, 'Forbidden', `forbidden: ${why}`, {})
}

export function notFound(of: GroupResource, name: string): ApiStatus {
  return new ApiStatus(404, 'NotFound', `${qualified(of)} "${name}" not found`, about(of, name))
}

/** A path below a served group version that leads to nothing. */
export function noSuchPath(): ApiStatus {
  return new ApiStatus(404, 'NotFound', 'the server could not find the requested resource', {})
}

export function methodNotAllowed(): ApiStatus {
  return new ApiStatus(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  )
}

export function notAcceptable(): ApiStatus {
  return new ApiStatus(406, 'NotAcceptable', '406: Not Acceptable', {})
}

export function alreadyExists(of: GroupResource, name: string): ApiStatus {
  return new ApiStatus(409, 'AlreadyExists', `${qualified(of)} "${name}" already exists`, about(of, name))
}

export function conflict(of: GroupResource, name: string, why: string): ApiStatus {
  const message = `Operation cannot be fulfilled on ${qualified(of)} "${name}": ${why}`
  return new ApiStatus(409, 'Conflict', message, about(of, name))
}

export function modifiedMeanwhile(of: GroupResource, name: string): ApiStatus {
  return conflict(
    of,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

/** A page of a list whose version is gone; the token in the answer goes on with what is there now. */
export function expiredContinue(inconsistent: string): ApiStatus {
  return new ApiStatus(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    undefined,
    {},
    { continue: inconsistent },
  )
}

export function expiredVersion(): ApiStatus {
  return new ApiStatus(410, 'Expired', 'The resourceVersion for the provided list is too old.')
}

/** A watch from a version that history no longer has. */
export function tooOld(version: number, oldest: number): ApiStatus {
  return new ApiStatus(410, 'Expired', `too old resource version: ${version} (${oldest})`)
}

export function badRequest(message: string): ApiStatus {
  return new ApiStatus(400, 'BadRequest', message)
}

export function tooLarge(limit: number): ApiStatus {
  return new ApiStatus(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`)
}

export function unsupportedMediaType(message: string, details?: Record<string, never>): ApiStatus {
  return new ApiStatus(415, 'UnsupportedMediaType', message, details)
}

/** What a JSON Patch gets that can't be applied, a failed `test` included: the reason is not said. */
export function patchRejected(): ApiStatus {
  return new ApiStatus(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
}

export interface FieldError {
  readonly reason:
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueInvalid'
    | 'FieldValueNotFound'
    | 'FieldValueNotSupported'
    | 'FieldValueRequired'
  readonly field: string
  /** Begins with what is wrong: 'Invalid value: "x": …', 'Required value: …'. */
  readonly message: string
}

/** 422 Invalid; `of` names a kind here, not a resource. */
export function invalid(
  of: { readonly group: string; readonly kind: string },
  name: string,
  errors: readonly FieldError[],
): ApiStatus {
  const subject = of.group === '' ? of.kind : `${of.kind}.${of.group}`
  const texts = errors.map(({ field, message }) => `${field}: ${message}`)
  const listed = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`
  return new ApiStatus(422, 'Invalid', `${subject} "${name}" is invalid: ${listed}`, {
    ...about({ group: of.group, resource: of.kind }, name),
    causes: errors.map(({ reason, field, message }) => ({ reason, message, field })),
  })
}
