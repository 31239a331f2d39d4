import { PassThrough } from 'node:stream'

import type { CollectContext } from '../model/collector.js'
import { ImpoundError, messageOf, type ErrorCode } from '../model/errors.js'
import type { NodeRun, NodeScript, NodeSession } from '../model/ports/node-pod.js'

/** What a script on a node sends. */
export interface NodePayload {
  /** As it comes. What ends it early is told by `end`; leaving it early ends the script. */
  readonly bytes: AsyncIterable<Buffer>
  /** Never rejects; settles after the bytes were read to their end or left. */
  readonly end: Promise<NodePayloadEnd>
}

export interface NodePayloadEnd {
  readonly run: NodeRun | undefined
  readonly failure: ImpoundError | undefined
}

/** Starts a script on a node. */
export function nodePayload(
  context: CollectContext,
  session: NodeSession,
  script: NodeScript,
  maxBytes: number,
  progress: (bytes: number) => void = () => undefined,
): NodePayload {
  const left = new AbortController()
  const stdout = new PassThrough({ highWaterMark: 1 << 20 })
  // left early, the script may still write: that is no error of anybody's
  stdout.on('error', () => undefined)
  const { signal } = context.run
  const end = session
    .run(script, stdout, {
      signal: AbortSignal.any([signal, left.signal]),
      stallTimeoutMs: context.options.stallTimeoutMs,
      maxBytes,
    })
    .then(
      (run): NodePayloadEnd => ({ run, failure: undefined }),
      (error: unknown): NodePayloadEnd => ({
        run: undefined,
        failure: left.signal.aborted && !signal.aborted ? undefined : asImpoundError(error),
      }),
    )
    .finally(() => stdout.end())
  return { bytes: received(stdout, progress, left), end }
}

async function* received(
  stdout: PassThrough,
  progress: (bytes: number) => void,
  left: AbortController,
): AsyncGenerator<Buffer, void, undefined> {
  let bytes = 0
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) {
      bytes += chunk.length
      progress(bytes)
      yield chunk
    }
  } finally {
    left.abort()
  }
}

/** Throws what ended a script, or says that it ended as it should: with status 0, and counted on both sides. `codes`: what its statuses mean. */
export function requireWhole(
  { run, failure }: NodePayloadEnd,
  codes: Readonly<Record<number, ErrorCode>> = {},
): void {
  if (failure !== undefined) throw failure
  if (run === undefined) return
  if (run.exitCode !== 0) {
    const said = run.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
    throw new ImpoundError(
      codes[run.exitCode] ?? 'target-refused',
      said === '' ? `the script on the node ended with status ${run.exitCode}` : said,
    )
  }
  if (!run.complete) throw new ImpoundError('cut', 'the node did not count as many bytes as arrived')
}

function asImpoundError(error: unknown): ImpoundError {
  return error instanceof ImpoundError
    ? error
    : new ImpoundError('bug', `a script on the node failed: ${messageOf(error)}`, { cause: error })
}
