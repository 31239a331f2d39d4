import { STATUS_CODES, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { Answer } from '../api/answer.js'
import type { Wire } from '../wire.js'
import { allButLast, corrupted, firstBytes, linesThen, paced, untilByte } from './body-faults.js'
import type { Strike } from './fault.js'

/**
 * Sends an answer, or as much of it as the fault lets through. Resolves when the lab has done its part; what a stalled
 * answer still holds open ends with the client or with the lab.
 */
export async function deliver(
  response: ServerResponse,
  answer: Answer,
  strike: Strike | undefined,
  wire: Wire,
): Promise<void> {
  const effect = strike?.effect
  if (strike === undefined || effect === undefined) {
    await whole(response, answer)
    return
  }
  switch (effect.kind) {
    case 'refused':
      wire.refuse(effect.ms)
      return
    case 'reset':
      wire.reset(response.socket)
      return
    case 'answer-lost':
    case 'close-without-status':
      response.destroy()
      return
    case 'drop-after':
    case 'stall':
      await cutShort(response, answer, strike, effect)
      return
    case 'wrong-length':
      await withWrongLength(response, answer, strike, effect.by)
      return
    case 'slow':
      await changed(response, answer, (source) => paced(source, effect.bytesPerSecond))
      return
    case 'corrupt':
      await changed(response, answer, (source) => corrupted(source, effect.at, tooShort(strike)))
      return
    case 'truncate':
      await whole(
        response,
        await shortened(answer, (source) => firstBytes(source, effect.bytes, tooShort(strike))),
      )
      return
    case 'lose-last':
      await whole(
        response,
        await shortened(answer, (source) => allButLast(source, effect.bytes, tooShort(strike))),
      )
      return
    case 'watch-expired':
      await expired(response, answer, strike, effect.events)
      return
    case 'status':
    case 'token-expired':
    case 'html':
    case 'clock-jump':
      await whole(response, answer)
  }
}

type Change = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

function tooShort(strike: Strike): (bytes: number) => void {
  return (bytes) => strike.missed(`the answer had only ${bytes} bytes`)
}

async function whole(response: ServerResponse, answer: Answer): Promise<void> {
  head(response, answer)
  if (Buffer.isBuffer(answer.body)) response.end(answer.body)
  else await pipeline(answer.body, response)
}

function head(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, STATUS_CODES[answer.status] ?? '', {
    ...answer.headers,
    ...(Buffer.isBuffer(answer.body) ? { 'Content-Length': String(answer.body.length) } : {}),
  })
  // a stream that has nothing to say yet has begun nevertheless
  if (!Buffer.isBuffer(answer.body)) response.flushHeaders()
}

/** Of the length that the answer's head says, with other bytes or another pace. */
async function changed(response: ServerResponse, answer: Answer, change: Change): Promise<void> {
  head(response, answer)
  await pipeline(asStream(answer.body), change, response)
}

/** The head says the length that is left. */
async function shortened(answer: Answer, change: Change): Promise<Answer> {
  if (!Buffer.isBuffer(answer.body)) return { ...answer, body: Readable.from(change(answer.body), BYTES) }
  const parts: Buffer[] = []
  for await (const part of change(asStream(answer.body))) parts.push(part)
  return { ...answer, body: Buffer.concat(parts) }
}

const BYTES = { objectMode: false }

async function cutShort(
  response: ServerResponse,
  answer: Answer,
  strike: Strike,
  effect: { readonly kind: 'drop-after' | 'stall'; readonly bytes: number },
): Promise<void> {
  const { body } = answer
  const nothingMissing = Buffer.isBuffer(body) && body.length <= effect.bytes
  if (nothingMissing) {
    tooShort(strike)(body.length)
    await whole(response, answer)
    return
  }
  head(response, answer)
  response.flushHeaders()
  const source = { ended: false }
  const limited = (bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> =>
    untilByte(bytes, effect.bytes, (total) => {
      source.ended = true
      tooShort(strike)(total)
    })
  await pipeline(asStream(body), limited, response, { end: false })
  if (source.ended) response.end()
  if (source.ended || effect.kind === 'stall') return
  await flushed(response)
  response.destroy()
}

async function withWrongLength(
  response: ServerResponse,
  answer: Answer,
  strike: Strike,
  by: number,
): Promise<void> {
  if (!Buffer.isBuffer(answer.body) || answer.body.length + by < 0) {
    strike.missed(Buffer.isBuffer(answer.body) ? 'a length below 0' : 'a stream has no length')
    await whole(response, answer)
    return
  }
  const length = String(answer.body.length + by)
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': length, Connection: 'close' })
  response.write(answer.body)
  await flushed(response)
  response.destroy()
}

async function expired(
  response: ServerResponse,
  answer: Answer,
  strike: Strike,
  events: number,
): Promise<void> {
  const { expiry } = answer
  if (expiry === undefined) {
    strike.missed('no watch')
    await whole(response, answer)
    return
  }
  await changed(response, answer, (source) =>
    linesThen(source, events, expiry(), (lines) => strike.missed(`the watch ended after ${lines} events`)),
  )
}

function asStream(body: Buffer | Readable): Readable {
  return Buffer.isBuffer(body) ? Readable.from([body], BYTES) : body
}

/** Resolves when all that was written so far is with the operating system. */
function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.socket === null) resolve()
    else response.socket.write(Buffer.alloc(0), () => resolve())
  })
}
