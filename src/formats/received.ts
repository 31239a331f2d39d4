import { PassThrough, type Writable } from 'node:stream'

import { ImpoundError, messageOf } from '../model/errors.js'

/** What waits in memory between the far side and who reads. */
const WAITING = 1 << 20

/** What a far side writes while it runs. */
export interface Received<Run> {
  /** As it comes. What ends it early is not thrown here but told by `end`; leaving it early ends the far side. */
  readonly bytes: AsyncGenerator<Buffer, void, undefined>
  /** Never rejects; settles after the bytes were read to their end or left. */
  readonly end: Promise<ReceivedEnd<Run>>
}

export interface ReceivedEnd<Run> {
  /** How it ended by itself. */
  readonly run: Run | undefined
  /** What ended it before that; not that we left it. */
  readonly failure: ImpoundError | undefined
}

/** Starts what writes into a sink until the signal ends it, and reads that. `what`: of a fault of ours, what failed. */
export function receive<Run>(
  start: (sink: Writable, signal: AbortSignal) => Promise<Run>,
  options: {
    readonly signal: AbortSignal
    readonly what: string
    /** Bytes so far. */
    readonly progress?: (bytes: number) => void
  },
): Received<Run> {
  const left = new AbortController()
  const sink = new PassThrough({ highWaterMark: WAITING })
  // left early, the far side may still write: that is no error of anybody's
  sink.on('error', () => undefined)
  const end = start(sink, AbortSignal.any([options.signal, left.signal]))
    .then(
      (run): ReceivedEnd<Run> => ({ run, failure: undefined }),
      (error: unknown): ReceivedEnd<Run> => {
        const isOurs = left.signal.aborted && !options.signal.aborted
        return { run: undefined, failure: isOurs ? undefined : asImpoundError(error, options.what) }
      },
    )
    .finally(() => sink.end())
  return { bytes: read(sink, left, options.progress), end }
}

async function* read(
  sink: PassThrough,
  left: AbortController,
  progress: ((bytes: number) => void) | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0
  try {
    for await (const chunk of sink as AsyncIterable<Buffer>) {
      bytes += chunk.length
      progress?.(bytes)
      yield chunk
    }
  } finally {
    left.abort()
  }
}

function asImpoundError(error: unknown, what: string): ImpoundError {
  return error instanceof ImpoundError
    ? error
    : new ImpoundError('bug', `${what} failed: ${messageOf(error)}`, { cause: error })
}
