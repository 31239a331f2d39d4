import { EXIT, type ExitStatus } from './exit.js'

/** What went wrong, as far as a caller may branch on it. */
export type ErrorCode =
  | 'usage' // a flag, an argument, a file that the user gave
  | 'configuration' // kubeconfig, contexts, credential plugins
  | 'forbidden' // 403
  | 'unauthorized' // 401
  | 'not-found' // 404, or no pod matches
  | 'ambiguous' // more than one pod matches where one was meant
  | 'target-changed' // the name now belongs to another UID
  | 'conflict' // 409, or a failed JSON Patch test (422)
  | 'gone' // 410: an expired continue token
  | 'invalid' // 400, 422 other than a failed test
  | 'throttled' // 429 past the last retry
  | 'server' // 5xx, or an answer that is no Kubernetes API's
  | 'unreachable' // no connection, TLS failure
  | 'timeout' // the deadline of one call or phase
  | 'stalled' // a stream that moved no byte for too long
  | 'cut' // a stream that ended without its end mark
  | 'too-big' // a bound was reached
  | 'target-refused' // the far end is there and says no: no such program, container not running
  | 'unsupported' // this cluster, container or image has no such thing
  | 'integrity' // bytes are not those that a digest or manifest names
  | 'refused' // a guard of ours, or the user at the prompt
  | 'storage' // the local disk
  | 'aborted' // Ctrl-C, or the caller's AbortSignal
  | 'bug' // a fault of impound

const EXIT_OF: Record<ErrorCode, ExitStatus> = {
  usage: EXIT.usage,
  configuration: EXIT.usage,
  forbidden: EXIT.forbidden,
  unauthorized: EXIT.forbidden,
  'not-found': EXIT.target,
  ambiguous: EXIT.target,
  'target-changed': EXIT.target,
  conflict: EXIT.refused,
  gone: EXIT.unreachable,
  invalid: EXIT.refused,
  throttled: EXIT.unreachable,
  server: EXIT.unreachable,
  unreachable: EXIT.unreachable,
  timeout: EXIT.unreachable,
  stalled: EXIT.unreachable,
  cut: EXIT.unreachable,
  'too-big': EXIT.incomplete,
  'target-refused': EXIT.incomplete,
  unsupported: EXIT.incomplete,
  integrity: EXIT.integrity,
  refused: EXIT.refused,
  storage: EXIT.storage,
  aborted: EXIT.interrupted,
  bug: EXIT.bug,
}

export interface ErrorDetails {
  /** What the user can do next, a line each. */
  readonly hints?: readonly string[]
  readonly cause?: unknown
  /** HTTP status, where there was one. */
  readonly httpStatus?: number
}

/**
 * The one error class. `message` says what is wrong in one line, without markup; it may quote hostile
 * text and is neutralised where it is printed, not here.
 */
export class ImpoundError extends Error {
  override readonly name = 'ImpoundError'
  readonly code: ErrorCode
  readonly hints: readonly string[]
  readonly httpStatus: number | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause })
    this.code = code
    this.hints = details.hints ?? []
    this.httpStatus = details.httpStatus
  }
}

/** The exit status of an error that ends a command. Anything that is not ours is a fault of impound. */
export function exitStatusOf(error: unknown): ExitStatus {
  return error instanceof ImpoundError ? EXIT_OF[error.code] : EXIT.bug
}

/** Narrowing without instanceof noise at every catch. */
export function isCode(error: unknown, ...codes: readonly ErrorCode[]): error is ImpoundError {
  return error instanceof ImpoundError && codes.includes(error.code)
}

/** One line about anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
