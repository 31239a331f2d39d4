import { PassThrough } from 'node:stream'

import { ImpoundError, messageOf } from '../../model/errors.js'
import type { NodeRun, NodeScript, NodeSession } from '../../model/ports/node-pod.js'
import type { StreamOptions } from '../../model/ports/streams.js'

/** How a script on a node ended, from our side and from its own. */
export interface NodeCaptureEnd {
  readonly run: NodeRun | undefined
  readonly failure: ImpoundError | undefined
}

export interface NodeCapture {
  /** The payload, as it comes. What ends it early is not thrown here but told by `end`; leaving it early ends the script. */
  readonly payload: AsyncIterable<Buffer>
  /** Never rejects; settles after the payload was read to its end or left. */
  readonly end: Promise<NodeCaptureEnd>
}

/**
 * Starts a script on a node and resolves once its first byte is there. Throws what it ended with where none came: `not-found` where
 * the node has no such container, `unsupported` where its root is no overlay.
 */
export async function captureByNode(
  session: NodeSession,
  script: NodeScript,
  options: StreamOptions & { readonly progress: (bytes: number) => void },
): Promise<NodeCapture> {
  const left = new AbortController()
  const stdout = new PassThrough({ highWaterMark: 1 << 20 })
  // Left early, the script may still write: that is no error of anybody's
  stdout.on('error', () => undefined)
  const end = session
    .run(script, stdout, { ...options, signal: AbortSignal.any([options.signal, left.signal]) })
    .then(
      (run): NodeCaptureEnd => ({ run, failure: undefined }),
      (error: unknown): NodeCaptureEnd => ({
        run: undefined,
        failure: left.signal.aborted && !options.signal.aborted ? undefined : asImpoundError(error),
      }),
    )
    .finally(() => stdout.end())
  const payload = received(stdout, options.progress, left)
  const first = await payload.next()
  if (first.done === true) throw nothingCame(await end, script.name)
  return { payload: startingWith(first.value, payload), end }
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

/** Exit statuses of the scripts in templates/node. */
const CODES = { 3: 'not-found', 4: 'unsupported', 5: 'integrity', 6: 'unsupported' } as const

function nothingCame({ run, failure }: NodeCaptureEnd, name: string): ImpoundError {
  if (failure !== undefined) return failure
  const said = run?.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
  const code = Object.entries(CODES).find(([status]) => Number(status) === run?.exitCode)?.[1]
  return new ImpoundError(
    code ?? 'target-refused',
    said === ''
      ? `${name} on the node said nothing and ended with ${run?.exitCode ?? 'an unknown status'}`
      : said,
  )
}

function asImpoundError(error: unknown): ImpoundError {
  return error instanceof ImpoundError
    ? error
    : new ImpoundError('bug', `a script on the node failed: ${messageOf(error)}`, { cause: error })
}
