import { proxyPage } from '../faults/answer-instead.js'
import type { FaultEffect } from '../faults/fault.js'
import { errorAnswer, type Answer, type RegistryErrorCode } from './answer.js'

const ERRORS: Readonly<Record<number, readonly [code: RegistryErrorCode, message: string]>> = {
  401: ['UNAUTHORIZED', 'authentication required'],
  403: ['DENIED', 'requested access to the resource is denied'],
  404: ['MANIFEST_UNKNOWN', 'manifest unknown'],
  429: [
    'TOOMANYREQUESTS',
    'You have reached your pull rate limit. You may increase the limit by authenticating and upgrading.',
  ],
  503: ['UNAVAILABLE', 'service unavailable'],
}

/** The registry's answer for a fault that strikes before anything is done; undefined for the others. */
export function answerInstead(effect: FaultEffect | undefined): Answer | undefined {
  if (effect?.kind === 'html') {
    const { status, headers, body } = proxyPage(effect.code)
    return { status, headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) }
  }
  if (effect?.kind !== 'status') return undefined
  const [code, message] = ERRORS[effect.code] ?? ['UNKNOWN', 'unknown error']
  const { retryAfterSeconds: seconds } = effect
  return errorAnswer(
    effect.code,
    code,
    message,
    seconds === undefined ? {} : { 'retry-after': String(seconds) },
  )
}
