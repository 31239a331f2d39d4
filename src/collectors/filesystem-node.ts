import { bodyfileLine } from '../filesystem/bodyfile.js'
import type { Baseline } from '../filesystem/baseline.js'
import { captureByNode, type NodeCapture } from '../filesystem/upper/node-capture.js'
import { UpperReading } from '../filesystem/upper/read-upper.js'
import {
  degradedByNode,
  NODE_DISTURBANCE,
  runtimeID,
  upperCompleteness,
} from '../filesystem/upper/upper-report.js'
import { UpperStream } from '../filesystem/upper/upper-stream.js'
import { documentedPath } from '../filesystem/path-key.js'
import { RunningFiles, unjoined } from '../filesystem/running-files.js'
import type { CollectContext } from '../model/collector.js'
import type { DiffEntry, FileFacts, FilesystemSummary } from '../model/filesystem-documents.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import type { Sink } from '../model/ports/sink.js'
import {
  close,
  derived,
  type FilesystemJob,
  keeperInto,
  NO_CHANGES,
  startedAt,
  whole,
} from './filesystem-outputs.js'

/** More than any upper directory that can be carried away: the stream has an end of its own. */
const MOST_BYTES = 2 ** 42

/** A capture on the node that has begun. */
export interface UpperCapture {
  readonly session: NodeSession
  readonly capture: NodeCapture
  readonly reading: UpperReading
}

/**
 * Begins to read a container's upper directory on its node. Throws where that way is closed, and has then left nothing behind:
 * what NodePods throws, `unsupported` where the root is no overlay, `integrity` where the upper directory can't be found.
 */
export async function beginOnNode(
  context: CollectContext,
  node: string,
  script: string,
  job: FilesystemJob,
  baseline: Baseline | undefined,
): Promise<UpperCapture> {
  const id = runtimeID(job.container.containerID)
  const session = await context.nodePods.on(node, context.run.signal)
  const args = [id, String(job.maxContentBytes), ...(baseline === undefined ? ['lower'] : [])]
  return begin(context, session, script, job, args, baseline)
}

/** The same for a container that has ended, of which a runtime's records say where its layers lie; compared with those. */
export function beginOfDead(
  context: CollectContext,
  session: NodeSession,
  script: string,
  job: FilesystemJob,
  { upper, lowers }: { readonly upper: string; readonly lowers: readonly string[] },
): Promise<UpperCapture> {
  const args = ['dead', String(job.maxContentBytes), 'lower', upper, lowers.join(':')]
  return begin(context, session, script, job, args, undefined)
}

async function begin(
  context: CollectContext,
  session: NodeSession,
  script: string,
  job: FilesystemJob,
  args: readonly string[],
  baseline: Baseline | undefined,
): Promise<UpperCapture> {
  const capture = await captureByNode(
    session,
    {
      name: 'upperdir',
      text: script,
      args,
    },
    {
      signal: context.run.signal,
      stallTimeoutMs: context.options.stallTimeoutMs,
      maxBytes: MOST_BYTES,
      progress: (bytes) => context.progress(`filesystem ${job.container.name}`, bytes),
    },
  )
  const stream = new UpperStream(capture.payload, MOST_BYTES)
  try {
    const reading = await UpperReading.begin(stream, {
      image: baseline?.tree,
      startedAt: startedAt(job.container),
      scratchDirectory: job.scratchDirectory,
    })
    return { session, capture, reading }
  } catch (error) {
    await stream.close()
    throw (await capture.end).failure ?? error
  }
}

/** changed.tar while the stream comes, diff.jsonl and bodyfile at its end, summary.json. Without anything to compare with: recent.tar and listing.jsonl. */
export async function writeUpper(
  job: FilesystemJob,
  upper: UpperCapture,
  baseline: Baseline | undefined,
  sink: Sink,
): Promise<void> {
  const { name } = job.container
  const { session, capture, reading } = upper
  const isCompared = reading.noLower === undefined
  const [contents, listing] = isCompared ? ['changed.tar', 'diff.jsonl'] : ['recent.tar', 'listing.jsonl']
  const changed = await sink.open(
    `${job.directory}/${contents}`,
    job.source,
    `filesystem ${name} ${isCompared ? 'content' : 'recent content'}`,
  )
  const { keeper, finish } = keeperInto(changed, job)
  const lines = await sink.open(
    `${job.directory}/${listing}`,
    derived(job, 'application/jsonl'),
    `filesystem ${name}${isCompared ? '' : ' listing'}`,
  )
  const bodyfile = await sink.open(`${job.directory}/bodyfile`, derived(job, 'text/plain'), '')
  const running = RunningFiles.of(job.processes, name, reading.facts.mounts)
  const counts = { ...NO_CHANGES }
  let tooBig = 0
  let cut = 0
  const end = await whole([changed, lines, bodyfile], async () => {
    try {
      const { results, end: ended } = await reading.content(keeper)
      await finish()
      const tell = async (entry: DiffEntry): Promise<void> => {
        if (entry.class !== 'runtime') counts[entry.change] += 1
        await lines.write(`${JSON.stringify(entry)}\n`)
      }
      for await (const { key, entry, facts } of results) {
        if (entry?.content === 'too-big') tooBig += 1
        if (entry?.content === 'cut' && !entry.flags.includes('changed-during-read')) cut += 1
        if (!isCompared) await lines.write(listingLine(key, facts, entry?.content))
        else {
          for (const missing of running?.missingBefore(key) ?? []) await tell(missing)
          if (entry !== undefined) await tell(running?.mark(key, entry) ?? entry)
        }
        await bodyfile.write(bodyfileLine(documentedPath(key), facts, entry?.change === 'deleted'))
      }
      if (isCompared) for (const missing of running?.missingBefore() ?? []) await tell(missing)
      return ended()
    } finally {
      await keeper.close()
      await reading.close()
    }
  })
  const captureEnd = await capture.end
  const complete = upperCompleteness(end, captureEnd, cut)
  await close(changed, complete, tooBig, job)
  await close(lines, complete, 0, job)
  await close(bodyfile, complete, 0, job)
  const summary: FilesystemSummary = {
    schema: 'impound/filesystem-summary/v1',
    container: name,
    method: 'node',
    trust: 'node-kernel',
    node: {
      name: session.node,
      pod: `${session.pod.namespace}/${session.pod.name}`,
      image: session.pod.image,
      kernel: reading.facts.kernel,
      upperdir: reading.facts.upper,
      sameAsImage: end.same,
    },
    disturbance: NODE_DISTURBANCE,
    degraded: [
      ...degradedByNode(reading, end, captureEnd, job.volumes),
      ...unjoined(running),
      ...(job.remarks ?? []),
    ],
    baseline: baselineOf(baseline, job.mismatch, reading),
    capture: {
      entries: end.entries,
      bytes: reading.bytes,
      complete: complete.complete,
      ...(complete.complete ? {} : { why: complete.why }),
    },
    counts,
    contentKeptBytes: keeper.keptBytes,
  }
  await sink.document(`${job.directory}/summary.json`, summary, derived(job, 'application/json'), '')
}

function listingLine(key: string, facts: FileFacts, content: DiffEntry['content']): string {
  const line = { ...documentedPath(key), facts, recent: true, ...(content === undefined ? {} : { content }) }
  return `${JSON.stringify(line)}\n`
}

function baselineOf(
  baseline: Baseline | undefined,
  mismatch: string | undefined,
  reading: UpperReading,
): FilesystemSummary['baseline'] {
  if (baseline !== undefined) {
    return { ...baseline.facts, entries: baseline.tree.size }
  }
  const source = reading.noLower === undefined ? 'node-lower' : 'none'
  return {
    ...{ source, verified: false, entries: reading.baseline.size },
    ...(mismatch === undefined ? {} : { mismatch }),
  }
}
