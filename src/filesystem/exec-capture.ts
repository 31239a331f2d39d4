import { createHash, type Hash } from 'node:crypto'
import { PassThrough } from 'node:stream'

import { HeadAndTail } from '../formats/head-and-tail.js'
import { ImpoundError, messageOf } from '../model/errors.js'
import type { ContainerRef, Exec, ExecOutcome } from '../model/ports/streams.js'
import { type CaptureReport, parseReport } from './capture-report.js'

/** Kept of stderr: its beginning, and its end with the trailer. */
const STDERR_HEAD = 512 << 10
const STDERR_TAIL = 8 << 10
/** Mount lines and tar's complaints are far below; a shell that is none can flood it. */
const MAX_STDERR = 4 << 20

export interface ExecCaptureOptions {
  /** The text of templates/capture-filesystem.sh. */
  readonly script: string
  readonly args?: readonly string[]
  readonly signal: AbortSignal
  readonly stallTimeoutMs: number
  readonly maxBytes: number
  readonly progress: (bytes: number) => void
}

/** How the stream from a container ended, from our side and from its own. */
export interface CaptureEnd {
  /** Of stdout, as received. */
  readonly bytes: number
  readonly sha256: string
  readonly report: CaptureReport
  readonly exitCode: number | undefined
  /** What ended the stream before the far end did; not that we left it. */
  readonly failure: ImpoundError | undefined
}

export interface ExecCapture {
  /** What it sends, as it comes. What ends it early is not thrown here but told by `end`; leaving it early ends the exec. */
  readonly tar: AsyncIterable<Buffer>
  /** Never rejects; settles after the tar was read to its end or left. */
  readonly end: Promise<CaptureEnd>
}

function captureArgv({ script, args = [] }: ExecCaptureOptions): readonly string[] {
  return ['sh', '-c', script, 'impound', ...args]
}

/**
 * Starts the capture script in a container and resolves once the first byte is there. Throws what the exec ended with where
 * none came: `target-refused` where the container has no shell or no tar.
 */
export async function captureByExec(
  exec: Exec,
  where: ContainerRef,
  options: ExecCaptureOptions,
): Promise<ExecCapture> {
  const left = new AbortController()
  const stdout = new PassThrough({ highWaterMark: 1 << 20 })
  // Left early, the exec may still write: that is no error of anybody's
  stdout.on('error', () => undefined)
  const stderr = new HeadAndTail({ head: STDERR_HEAD, tail: STDERR_TAIL })
  let failure: ImpoundError | undefined
  const running: Promise<ExecOutcome | undefined> = exec
    .exec(
      where,
      captureArgv(options),
      { stdout, stderr },
      {
        signal: AbortSignal.any([options.signal, left.signal]),
        stallTimeoutMs: options.stallTimeoutMs,
        maxBytes: options.maxBytes,
        maxStderrBytes: MAX_STDERR,
      },
    )
    .catch((error: unknown) => {
      const isOurs = left.signal.aborted && !options.signal.aborted
      failure = isOurs ? undefined : asImpoundError(error)
      return undefined
    })
    .finally(() => stdout.end())

  const hash = createHash('sha256')
  const settled = Promise.withResolvers<{ readonly bytes: number }>()
  const tar = received(stdout, hash, options.progress, settled, left)
  const first = await tar.next()
  if (first.done === true) {
    const outcome = await running
    throw failure ?? nothingCame(where, outcome, stderr.text())
  }
  const end = (async (): Promise<CaptureEnd> => {
    const { bytes } = await settled.promise
    const outcome = await running
    return {
      bytes,
      sha256: hash.digest('hex'),
      report: parseReport(stderr.bytes(), stderr.overflowed),
      exitCode: outcome?.exitCode,
      failure,
    }
  })()
  return { tar: startingWith(first.value, tar), end }
}

async function* received(
  stdout: PassThrough,
  hash: Hash,
  progress: (bytes: number) => void,
  settled: PromiseWithResolvers<{ readonly bytes: number }>,
  left: AbortController,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      hash.update(chunk)
      bytes += chunk.length
      progress(bytes)
      yield chunk
    }
  } finally {
    left.abort()
    settled.resolve({ bytes })
  }
}

async function* startingWith(
  first: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return()
  }
}

function nothingCame(where: ContainerRef, outcome: ExecOutcome | undefined, words: string): ImpoundError {
  const said = words.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
  return new ImpoundError(
    'target-refused',
    `container ${where.container} sent no byte of its filesystem (exit ${outcome?.exitCode ?? 'unknown'})${said === '' ? '' : `: ${said}`}`,
    { hints: ['a container without sh and tar can be read from its node only'] },
  )
}

function asImpoundError(error: unknown): ImpoundError {
  return error instanceof ImpoundError
    ? error
    : new ImpoundError('bug', `exec failed: ${messageOf(error)}`, { cause: error })
}
