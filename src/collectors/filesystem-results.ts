import type { Baseline } from '../filesystem/baseline.js'
import { bodyfileLine } from '../filesystem/bodyfile.js'
import { pathsComplainedOf } from '../filesystem/capture-report.js'
import { type Completeness, completenessOf } from '../filesystem/completeness.js'
import { ContentKeeper } from '../filesystem/content-keeper.js'
import { ContentTar } from '../filesystem/content-tar.js'
import { degradedByExec, EXEC_DISTURBANCE } from '../filesystem/degraded.js'
import type { CaptureEnd, ExecCapture } from '../filesystem/exec-capture.js'
import { MountTable } from '../filesystem/mounts.js'
import { readTree, type TreeEnd } from '../filesystem/read-tree.js'
import { absenceProof, TreeDiff } from '../filesystem/tree-diff.js'
import { TreeListing } from '../filesystem/tree-listing.js'
import type { ChangeKind, FilesystemSummary } from '../model/documents.js'
import { messageOf } from '../model/errors.js'
import type { CountedReason, Source } from '../model/evidence.js'
import type { ArtefactWriter, Sink } from '../model/ports/sink.js'
import type { TargetContainer } from '../model/target.js'

/** A capture that has begun, and where its results go. */
export interface ContainerCapture {
  readonly container: TargetContainer
  /** 'filesystem/app' */
  readonly directory: string
  readonly stream: ExecCapture
  /** Keys of the volumes that the spec mounts. */
  readonly volumes: readonly string[]
  readonly source: Source
  readonly maxContentBytes: number
  readonly scratchDirectory: string
}

type Counts = Record<ChangeKind, number>

const NO_CHANGES: Counts = {
  added: 0,
  modified: 0,
  deleted: 0,
  'type-changed': 0,
  'metadata-only': 0,
  opaque: 0,
}

/** With the image: changed.tar while the stream comes, then diff.jsonl, bodyfile and summary.json. */
export async function writeDiff(job: ContainerCapture, baseline: Baseline, sink: Sink): Promise<void> {
  const { name } = job.container
  const changed = await sink.open(`${job.directory}/changed.tar`, job.source, `filesystem ${name} content`)
  const { keeper, finish } = keeperInto(changed, job)
  const diff = new TreeDiff(baseline.tree, keeper)
  const tree = await whole([changed], async () => {
    const walked = await readTree(job.stream.tar, (entry) => diff.visit(entry)).finally(() => keeper.close())
    await finish()
    return walked
  })
  const end = await job.stream.end
  const complete = completenessOf(tree, end)
  const mounts = new MountTable(end.report.mounts ?? [], job.volumes)

  const listed = derived(job, 'application/jsonl')
  const lines = await sink.open(`${job.directory}/diff.jsonl`, listed, `filesystem ${name}`)
  const bodyfile = await sink.open(`${job.directory}/bodyfile`, derived(job, 'text/plain'), '')
  const counts = { ...NO_CHANGES }
  let tooBig = 0
  await whole([changed, lines, bodyfile], async () => {
    const knowledge = { mounts, hasXattrs: end.report.hasXattrs, isAbsenceProven: absence(tree, end) }
    for (const entry of diff.entries(knowledge)) {
      counts[entry.change] += 1
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
    trusted: {
      source: 'registry',
      manifestDigest: baseline.manifestDigest,
      verified: true,
      entries: baseline.tree.size,
    },
    tree,
    end,
    complete,
    counts,
    degraded: degradedByExec(end.report, mounts, tree, diff.unjudged),
    keptBytes: keeper.keptBytes,
  })
}

/** Without the image: listing.jsonl, bodyfile and the content of what is newer than the container, in recent.tar. */
export async function writeListing(job: ContainerCapture, sink: Sink): Promise<void> {
  const { name, startedAt } = job.container
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
  const started = startedAt === undefined ? Number.NaN : Math.floor(Date.parse(startedAt) / 1000)
  const listing = new TreeListing(
    Number.isNaN(started) ? undefined : started,
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
    trusted: { source: 'none', verified: false, entries: 0 },
    tree,
    end,
    complete,
    counts: NO_CHANGES,
    degraded: [
      'the image could not be had: what changed is not known, and counts of changes mean nothing',
      'recent.tar has what is newer than the container by its own times, which can be set back',
      ...degradedByExec(end.report, mounts, tree, 0),
    ],
    keptBytes: keeper.keptBytes,
  })
}

function keeperInto(
  writer: ArtefactWriter,
  job: ContainerCapture,
): { readonly keeper: ContentKeeper; readonly finish: () => Promise<void> } {
  const tar = new ContentTar((chunk) => writer.write(chunk))
  return {
    keeper: new ContentKeeper(tar, job.maxContentBytes, job.scratchDirectory),
    finish: () => tar.finish(),
  }
}

/** Runs what fills the writers; should it fail, what they have is kept and marked before the error travels on. */
async function whole<Result>(
  writers: readonly ArtefactWriter[],
  fill: () => Promise<Result>,
): Promise<Result> {
  try {
    return await fill()
  } catch (error) {
    for (const writer of writers) await writer.partial('failed', messageOf(error)).catch(() => undefined)
    throw error
  }
}

function absence(tree: TreeEnd, end: CaptureEnd): (key: string) => boolean {
  const { report } = end
  const isWhole = tree.ended !== undefined && end.failure === undefined && report.trailer !== undefined
  const complaints = report.overflowed ? undefined : pathsComplainedOf(report)
  return absenceProof(isWhole, report.trailer?.tar, complaints)
}

async function close(
  writer: ArtefactWriter,
  complete: Completeness,
  tooBig: number,
  job: ContainerCapture,
): Promise<void> {
  const [reason, why] = shortcoming(complete, tooBig, job.maxContentBytes)
  if (reason === undefined) await writer.end()
  else await writer.partial(reason, why)
}

function shortcoming(
  complete: Completeness,
  tooBig: number,
  maxContentBytes: number,
): readonly [CountedReason, string] | readonly [] {
  if (!complete.complete) return [complete.reason, complete.why]
  if (tooBig === 0) return []
  return [
    'too-big',
    `${tooBig} files did not fit into ${maxContentBytes} bytes: they are listed, their content was not kept; first come, first kept`,
  ]
}

function derived(job: ContainerCapture, mediaType: string): Source {
  const { request } = job.source
  return {
    kind: 'derived',
    mediaType,
    trust: 'target-controlled',
    ...(request === undefined ? {} : { request }),
  }
}

interface Result {
  readonly trusted: FilesystemSummary['baseline']
  readonly tree: TreeEnd
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
    method: 'exec',
    trust: 'target-controlled',
    disturbance: EXEC_DISTURBANCE,
    degraded: result.degraded,
    baseline: result.trusted,
    capture: {
      entries: result.tree.entries,
      bytes: result.end.bytes,
      complete: complete.complete,
      ...(complete.complete ? {} : { why: complete.why }),
    },
    counts: result.counts,
    contentKeptBytes: result.keptBytes,
  }
  await sink.document(`${job.directory}/summary.json`, summary, derived(job, 'application/json'), '')
}
