import { completenessOf } from '../../filesystem/completeness.js'
import { captureByExec } from '../../filesystem/exec-capture.js'
import { fileFacts } from '../../filesystem/facts.js'
import { readTree } from '../../filesystem/read-tree.js'
import type { CollectContext } from '../../model/collector.js'
import type { Target } from '../../model/target.js'
import { forShell } from '../../text/shell.js'
import type { Place } from './places.js'
import type { PlaceOutput } from './place-output.js'
import type { Shortcoming } from './take-on-node.js'

/** Beside what is kept: headers, and what is read and does not fit. */
const SLACK_BYTES = 2 ** 30

/** Fills `output` from a place as the container's own sh and tar show it. Throws what left nothing to keep. */
export async function takeByExec(
  context: CollectContext,
  target: Target,
  script: string,
  place: Place,
  output: () => Promise<PlaceOutput>,
  startedAt: number,
): Promise<{ readonly output: PlaceOutput; readonly short: Shortcoming | undefined }> {
  const { maxContentBytes, stallTimeoutMs } = context.options
  const stream = await captureByExec(
    context.exec,
    { namespace: target.namespace, pod: target.name, container: place.container },
    {
      script: `point=${forShell(place.point)}\n${script}`,
      signal: context.run.signal,
      stallTimeoutMs,
      maxBytes: 2 * maxContentBytes + SLACK_BYTES,
      progress: (bytes) => context.progress(`mount ${place.container} ${place.point}`, bytes),
    },
  )
  const opened = await output()
  let tooBig = 0
  try {
    const tree = await readTree(stream.tar, async ({ key, facts, entry }) => {
      const recent = Math.max(facts.mtime.seconds, facts.ctime?.seconds ?? -Infinity) >= startedAt
      if (facts.type !== 'file') {
        await opened.entry(key, fileFacts(facts), recent, undefined)
        return
      }
      const { sha256, content } = await opened.keeper.keep(key, facts, entry)
      if (content === 'too-big') tooBig += 1
      await opened.entry(key, fileFacts({ ...facts, sha256 }), recent, content)
    })
    const end = await stream.end
    context.run.signal.throwIfAborted()
    const complete = completenessOf(tree, end)
    // the container does not count what it sends: tar's end mark and both statuses are all there is
    if (!complete.complete && complete.reason !== 'unsupported') return { output: opened, short: complete }
    if (tooBig === 0) return { output: opened, short: undefined }
    const why = `${tooBig} files did not fit into ${maxContentBytes} bytes: they are listed, their content was not kept; first come, first kept`
    return { output: opened, short: { reason: 'too-big', why } }
  } catch (error) {
    await opened.abandon(error)
    throw error
  }
}
