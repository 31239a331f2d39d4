import type { Readable, Writable } from 'node:stream'

import { ImpoundError } from '../model/errors.js'
import type { StreamOptions } from '../model/ports/streams.js'
import { SinkFeed } from './sink-feed.js'
import { StallTimer } from './stall-timer.js'
import { abortReason, cutError } from './transport-error.js'

export interface Pouring {
  /** 'The log of app': begins the sentence of an error. */
  readonly what: string
  /** Whether the framing of the body says where it ends. */
  readonly hasEndMark: boolean
  /** Throws where the first bytes are no content but words of the far end; they are not written then. */
  readonly inspect?: (first: Buffer) => void
}

/**
 * A response body into a sink that is not ours, in bounded memory. Resolves with the bytes once all of them are written;
 * throws cut, stalled, too-big (what fits being written), storage, or what aborted the signal.
 */
export async function pour(
  body: Readable,
  sink: Writable,
  { signal, stallTimeoutMs, maxBytes }: StreamOptions,
  { what, hasEndMark, inspect }: Pouring,
): Promise<number> {
  const stop = new AbortController()
  let failure: ImpoundError | undefined
  const fail = (error: ImpoundError): void => {
    failure ??= error
    stop.abort()
    body.destroy()
  }
  const onAbort = (): void => fail(abortReason(signal))
  const feed = new SinkFeed(sink, fail)
  const stall = new StallTimer(stallTimeoutMs, () =>
    fail(new ImpoundError('stalled', `${what} moved no byte for ${stallTimeoutMs / 1000} s.`)),
  )
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      stall.hold()
      if (feed.bytes === 0) inspect?.(chunk)
      const room = maxBytes - feed.bytes
      feed.push(chunk.subarray(0, room))
      await feed.ready(stop.signal)
      if (chunk.length > room) {
        await feed.flushed(stop.signal)
        throw new ImpoundError('too-big', `${what} is larger than ${maxBytes} bytes.`)
      }
      stall.release()
    }
    stall.hold()
    await feed.flushed(stop.signal)
    if (!hasEndMark) throw cutError(undefined, what, feed.bytes)
    // destroying the body because of a failure can look like its end
    if (stop.signal.aborted) throw stop.signal.reason
    return feed.bytes
  } catch (error) {
    body.destroy()
    throw failure ?? (error instanceof ImpoundError ? error : cutError(error, what, feed.bytes))
  } finally {
    stall.stop()
    feed.release()
    signal.removeEventListener('abort', onAbort)
  }
}
