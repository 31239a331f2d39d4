import { receive, type Received, type ReceivedEnd } from '../formats/received.js'
import type { CollectContext } from '../model/collector.js'
import { ImpoundError, type ErrorCode } from '../model/errors.js'
import type { NodeRun, NodeScript, NodeSession } from '../model/ports/node-pod.js'

/** What a script on a node sends. */
export type NodePayload = Received<NodeRun>
export type NodePayloadEnd = ReceivedEnd<NodeRun>

/** Starts a script on a node. */
export function nodePayload(
  context: CollectContext,
  session: NodeSession,
  script: NodeScript,
  maxBytes: number,
  progress: (bytes: number) => void = () => undefined,
): NodePayload {
  const { stallTimeoutMs } = context.options
  return receive((sink, signal) => session.run(script, sink, { signal, stallTimeoutMs, maxBytes }), {
    signal: context.run.signal,
    what: 'a script on the node',
    progress,
  })
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
