import type { Answer } from '../api/answer.js'
import { statusAnswer } from '../api/answer.js'
import type { RequestInfo } from '../api/request-info.js'
import { ApiStatus, forbidden, modifiedMeanwhile, notFound, unauthorized } from '../api/status.js'
import { attemptRefused } from '../access/authorize.js'
import type { FaultEffect } from './fault.js'

const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden'],
  404: ['NotFound', 'the server could not find the requested resource'],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Expired', 'The provided continue parameter is too old to display a consistent list result.'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'Timeout: request did not complete within the allotted timeout'],
}

/** The API server's answer for a fault that strikes before anything is done; undefined for the others. */
export function answerInstead(
  effect: FaultEffect | undefined,
  asked: { readonly info: RequestInfo | undefined; readonly user: string },
): Answer | undefined {
  if (effect?.kind === 'status') return statusAnswer(statusOf(effect, asked))
  if (effect?.kind === 'token-expired') return statusAnswer(unauthorized())
  return effect?.kind === 'html' ? proxyPage(effect.code) : undefined
}

export function proxyPage(code: number): Answer {
  const title = `${code} ${code === 504 ? 'Gateway Time-out' : code === 503 ? 'Service Temporarily Unavailable' : 'Bad Gateway'}`
  const page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
  return { status: code, headers: { 'Content-Type': 'text/html' }, body: Buffer.from(page) }
}

/** What the server would say of this very object, where it has words for it. */
function statusOf(
  { code, retryAfterSeconds: seconds }: Extract<FaultEffect, { kind: 'status' }>,
  { info, user }: { readonly info: RequestInfo | undefined; readonly user: string },
): ApiStatus {
  if (info?.kind === 'resource' && seconds === undefined) {
    const name = info.name ?? ''
    if (code === 403) return forbidden(info, name, attemptRefused(user, info))
    if (code === 404 && name !== '') return notFound(info, name)
    if (code === 409 && name !== '') return modifiedMeanwhile(info, name)
  }
  const [reason, message] = REASONS[code] ?? ['Unknown', 'unknown']
  return new ApiStatus(
    code,
    reason,
    message,
    seconds === undefined ? undefined : { retryAfterSeconds: seconds },
    seconds === undefined ? {} : { 'Retry-After': String(seconds) },
  )
}
