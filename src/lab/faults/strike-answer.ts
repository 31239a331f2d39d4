import { Readable, Transform } from 'node:stream'

import type { Answer } from '../api/answer.js'
import { statusAnswer } from '../api/answer.js'
import { ApiStatus } from '../api/status.js'
import type { FaultEffect } from './faults.js'

const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  401: ['Unauthorized', 'Unauthorized'],
  403: ['Forbidden', 'forbidden by a fault of the lab'],
  404: ['NotFound', 'the server could not find the requested resource'],
  409: [
    'Conflict',
    'the object has been modified; please apply your changes to the latest version and try again',
  ],
  410: ['Expired', 'The provided continue parameter is too old to display a consistent list result.'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'Too many requests, please try again later.'],
  500: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
}

/** The answer of a fault that strikes before anything is done, undefined for the others. */
export function answerInstead(effect: FaultEffect | undefined): Answer | undefined {
  if (effect?.kind === 'status') {
    const [reason, message] = REASONS[effect.code] ?? ['Unknown', 'unknown']
    const seconds = effect.retryAfterSeconds
    return statusAnswer(
      new ApiStatus(
        effect.code,
        reason,
        message,
        seconds === undefined ? undefined : { retryAfterSeconds: seconds },
        seconds === undefined ? {} : { 'Retry-After': String(seconds) },
      ),
    )
  }
  if (effect?.kind === 'html') {
    const page = `<html>\r\n<head><title>${effect.code} Bad Gateway</title></head>\r\n<body>\r\n<center><h1>${effect.code} Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`
    return { status: effect.code, headers: { 'Content-Type': 'text/html' }, body: Buffer.from(page) }
  }
  return undefined
}

/** What is left of an answer that a fault cuts short but leaves whole to the eye. */
export function truncated(answer: Answer, effect: FaultEffect | undefined): Answer {
  if (effect?.kind !== 'truncate') return answer
  return {
    ...answer,
    body: Buffer.isBuffer(answer.body)
      ? answer.body.subarray(0, effect.bytes)
      : answer.body.pipe(firstBytes(effect.bytes)),
  }
}

/** Passes this many bytes on, swallows the rest, and ends as its source does. */
export function firstBytes(limit: number): Transform {
  let left = limit
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const part = chunk.subarray(0, left)
      left -= part.length
      done(null, part.length === 0 ? undefined : part)
    },
  })
}

export function asStream(body: Buffer | Readable): Readable {
  return Buffer.isBuffer(body) ? Readable.from([body]) : body
}
