import type { Baseline } from '../filesystem/baseline.js'
import { bodyfileLine } from '../filesystem/bodyfile.js'
import { pathsComplainedOf } from '../filesystem/capture-report.js'
import { type Completeness, completenessOf } from '../filesystem/completeness.js'
import { degradedInside, disturbanceInside, type InsideWay } from '../filesystem/degraded.js'
import type { CaptureEnd, ExecCapture } from '../filesystem/exec-capture.js'
import { MountTable } from '../filesystem/mounts.js'
import { diffCapture, type DiffCaptureEnd } from '../filesystem/diff-capture.js'
import { readTree, type TreeEnd } from '../filesystem/read-tree.js'
import { absenceProof, TreeDiff } from '../filesystem/tree-diff.js'
import { TreeListing } from '../filesystem/tree-listing.js'
import { entryKey, RunningFiles, unjoined } from '../filesystem/running-files.js'
import type { DiffEntry, FilesystemSummary } from '../model/filesystem-documents.js'
import type { Sink } from '../model/ports/sink.js'
import {
  close,
  type Counts,
  derived,
  type FilesystemJob,
  keeperInto,
  NO_CHANGES,
  startedAt,
  whole,
} from './filesystem-outputs.js'

/** A capture through a container of the pod that has begun, and where its results go. */
export interface ContainerCapture extends FilesystemJob {
  readonly way: InsideWay
  readonly stream: ExecCapture
  /** Since when what changed is sent whole; undefined: everything is. */
  readonly since: number | undefined
  readonly fetch: (paths: readonly string[]) => Promise<ExecCapture>
  readonly passedOver: readonly PassedOver[]
}

export type PassedOver = NonNullable<FilesystemSummary['passedOver']>[number]

/** With the image: changed.tar while the stream comes, then diff.jsonl, bodyfile and summary.json. */
export async function writeDiff(job: ContainerCapture, baseline: Baseline, sink: Sink): Promise<void> {
  const { name } = job.container
  const changed = await sink.open(`${job.directory}/changed.tar`, job.source, `filesystem ${name} content`)
  const { keeper, finish } = keeperInto(changed, job)
  const diff = new TreeDiff(baseline.tree, keeper)
  const tree = await whole([changed], async () => {
    const walked = await diffCapture(job.stream.tar, diff, job).finally(() => keeper.close())
    await finish()
    return walked
  })
  const end = await job.stream.end
  const first = completenessOf(tree, end)
  const complete = first.complete ? (tree.fetchFailed ?? first) : first
  const mounts = new MountTable(end.report.mounts ?? [], job.volumes)

  const running = RunningFiles.of(job.processes, name, end.report.mounts ?? [])

  const listed = derived(job, 'application/jsonl')
  const lines = await sink.open(`${job.directory}/diff.jsonl`, listed, `filesystem ${name}`)
  const bodyfile = await sink.open(`${job.directory}/bodyfile`, derived(job, 'text/plain'), '')
  const counts = { ...NO_CHANGES }
  let tooBig = 0
  await whole([changed, lines, bodyfile], async () => {
    const knowledge = { mounts, hasXattrs: end.report.hasXattrs, isAbsenceProven: absence(tree, end) }
    for (const entry of joined(diff.entries(knowledge), running)) {
      if (entry.class !== 'runtime') counts[entry.change] += 1
      if (entry.content === 'too-big') tooBig += 1
      await lines.write(`${JSON.stringify(entry)}\n`)
      const facts = entry.after ?? entry.before
      if (facts !== undefined) await bodyfile.write(bodyfileLine(entry, facts, entry.after === undefined))
    }
  })
  await close(changed, complete, tooBig, job)
  await close(lines, complete, 0, job)
  await close(bodyfile, complete, 0, job)
  await summarise(job, sink, {
    trusted: { ...baseline.facts, entries: baseline.tree.size },
    tree,
    end,
    complete,
    counts,
    degraded: [...degradedInside(job.way, end.report, mounts, tree, diff.unjudged), ...unjoined(running)],
    keptBytes: keeper.keptBytes,
  })
}

/** Without the image: listing.jsonl, bodyfile and the content of what is newer than the container, in recent.tar. */
export async function writeListing(job: ContainerCapture, sink: Sink): Promise<void> {
  const { name } = job.container
  const recent = await sink.open(
    `${job.directory}/recent.tar`,
    job.source,
    `filesystem ${name} recent content`,
  )
  const lines = await sink.open(
    `${job.directory}/listing.jsonl`,
    derived(job, 'application/jsonl'),
    `filesystem ${name} listing`,
  )
  const bodyfile = await sink.open(`${job.directory}/bodyfile`, derived(job, 'text/plain'), '')
  const { keeper, finish } = keeperInto(recent, job)
  const listing = new TreeListing(
    startedAt(job.container),
    keeper,
    (text) => lines.write(text),
    (text) => bodyfile.write(text),
  )
  const tree = await whole([recent, lines, bodyfile], async () => {
    const walked = await readTree(job.stream.tar, (entry) => listing.visit(entry)).finally(() =>
      keeper.close(),
    )
    await finish()
    return walked
  })
  const end = await job.stream.end
  const complete = completenessOf(tree, end)
  const mounts = new MountTable(end.report.mounts ?? [], job.volumes)
  await close(recent, complete, listing.tooBig, job)
  await close(lines, complete, 0, job)
  await close(bodyfile, complete, 0, job)
  await summarise(job, sink, {
    trusted: {
      ...{ source: 'none', verified: false, entries: 0 },
      ...(job.mismatch === undefined ? {} : { mismatch: job.mismatch }),
    },
    tree,
    end,
    complete,
    counts: NO_CHANGES,
    degraded: [
      'the image could not be had: what changed is not known, and counts of changes mean nothing',
      'recent.tar has what is newer than the container by its own times, which can be set back',
      ...degradedInside(job.way, end.report, mounts, tree, 0),
    ],
    keptBytes: keeper.keptBytes,
  })
}

/** Entries, with what processes run, and what only processes still have. */
function* joined(
  entries: Iterable<DiffEntry>,
  running: RunningFiles | undefined,
): Generator<DiffEntry, void, undefined> {
  for (const entry of entries) {
    const key = entryKey(entry)
    if (running !== undefined) yield* running.missingBefore(key)
    yield running?.mark(key, entry) ?? entry
  }
  if (running !== undefined) yield* running.missingBefore()
}

function absence(tree: TreeEnd, end: CaptureEnd): (key: string) => boolean {
  const { report } = end
  const isWhole = tree.ended !== undefined && end.failure === undefined && report.trailer !== undefined
  const complaints = report.overflowed ? undefined : pathsComplainedOf(report)
  return absenceProof(isWhole, report.trailer?.tar, complaints)
}

interface Result {
  readonly trusted: FilesystemSummary['baseline']
  readonly tree: DiffCaptureEnd
  readonly end: CaptureEnd
  readonly complete: Completeness
  readonly counts: Counts
  readonly degraded: readonly string[]
  readonly keptBytes: number
}

async function summarise(job: ContainerCapture, sink: Sink, result: Result): Promise<void> {
  const { complete } = result
  const summary: FilesystemSummary = {
    schema: 'impound/filesystem-summary/v1',
    container: job.container.name,
    method: job.way.method,
    trust: job.source.trust,
    ...(job.passedOver.length === 0 ? {} : { passedOver: job.passedOver }),
    ...(job.way.ephemeral === undefined ? {} : { ephemeral: job.way.ephemeral }),
    disturbance: disturbanceInside(job.way),
    degraded: result.degraded,
    baseline: result.trusted,
    capture: {
      entries: result.tree.entries,
      bytes: result.end.bytes,
      complete: complete.complete,
      ...(complete.complete ? {} : { why: complete.why }),
      ...(result.tree.unread === undefined ? {} : { unread: result.tree.unread }),
    },
    counts: result.counts,
    contentKeptBytes: result.keptBytes,
  }
  await sink.document(`${job.directory}/summary.json`, summary, derived(job, 'application/json'), '')
}
