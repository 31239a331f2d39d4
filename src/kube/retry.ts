import { ImpoundError, isCode } from '../model/errors.js'
import type { Clock } from '../model/ports/run-context.js'
import { abortReason, isTransient, shortReason } from './transport-error.js'

/** As much of an answer as decides whether to ask again. */
export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

export interface RetryPolicy {
  readonly attempts: number
  /** A try that ends so is final, though its status or error would be worth another. */
  readonly final?: (answer: Answered) => boolean
}

export interface RetryContext {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly notice: (line: string) => void
  /** 'list pods in shop': begins the notice. */
  readonly what: string
}

/** Most that a Retry-After is honoured, in ms: past it, waiting is the user's decision. */
const MAX_WAIT_MS = 20_000
const FIRST_WAIT_MS = 300
const RETRIED_STATUS = new Set([429, 500, 502, 503, 504])

/**
 * Asks again where asking twice does no harm: 429 after the time that the server names, 5xx, and connections that failed or
 * were cut, after 0.3 s, 1.2 s, … Gives the last answer, of whatever status, or throws the last error.
 */
export async function withRetries<Answer extends Answered>(
  attempt: () => Promise<Answer>,
  policy: RetryPolicy,
  context: RetryContext,
): Promise<Answer> {
  for (let tried = 1; ; tried += 1) {
    const outcome = await settle(attempt)
    const wait = tried < policy.attempts ? waitAfter(outcome, policy, tried) : undefined
    if (wait === undefined) {
      if ('error' in outcome) throw outcome.error
      return outcome.answer
    }
    context.notice(`${context.what}: ${reasonOf(outcome)}; again in ${Number((wait / 1000).toFixed(1))} s.`)
    await pause(wait, context)
  }
}

async function pause(ms: number, { clock, signal }: RetryContext): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    throw signal.aborted ? abortReason(signal) : error
  }
}

type Outcome<Answer> = { readonly answer: Answer } | { readonly error: unknown }

function reasonOf(outcome: Outcome<Answered>): string {
  if ('answer' in outcome)
    return outcome.answer.status === 429 ? 'the server is busy (429)' : `HTTP ${outcome.answer.status}`
  return outcome.error instanceof ImpoundError ? shortReason(outcome.error) : 'no answer'
}

async function settle<Answer>(attempt: () => Promise<Answer>): Promise<Outcome<Answer>> {
  try {
    return { answer: await attempt() }
  } catch (error) {
    return { error }
  }
}

/** Milliseconds until the next try; undefined where there is to be none. */
function waitAfter(outcome: Outcome<Answered>, policy: RetryPolicy, tried: number): number | undefined {
  const backOff = FIRST_WAIT_MS * 4 ** (tried - 1)
  if ('error' in outcome) return isWorthAnother(outcome.error) ? backOff : undefined
  const { answer } = outcome
  if (!RETRIED_STATUS.has(answer.status) || policy.final?.(answer) === true) return undefined
  const asked = retryAfter(answer.headers['retry-after'])
  if (asked === undefined) return backOff
  return asked <= MAX_WAIT_MS ? asked : undefined
}

function isWorthAnother(error: unknown): error is ImpoundError {
  return isCode(error, 'cut') || (isCode(error, 'unreachable') && isTransient(error.cause))
}

/** Milliseconds; Kubernetes sends seconds (RFC 9110 10.2.3 also knows dates, which are passed over). */
function retryAfter(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}
