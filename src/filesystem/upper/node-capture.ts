import { receive, type ReceivedEnd } from '../../formats/received.js'
import { ImpoundError } from '../../model/errors.js'
import type { NodeRun, NodeScript, NodeSession } from '../../model/ports/node-pod.js'
import type { StreamOptions } from '../../model/ports/streams.js'

/** How a script on a node ended, from our side and from its own. */
export type NodeCaptureEnd = ReceivedEnd<NodeRun>

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
  const { bytes, end } = receive((sink, signal) => session.run(script, sink, { ...options, signal }), {
    signal: options.signal,
    what: 'a script on the node',
    progress: options.progress,
  })
  const first = await bytes.next()
  if (first.done === true) throw nothingCame(await end, script.name)
  return { payload: startingWith(first.value, bytes), end }
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
