import { readMembers, streamMembers } from '../evidence/read-archive.js'
import { verifyArchive } from '../evidence/verify.js'
import { type Absence, CapturedLines, compareCaptures } from '../filesystem/compare-captures.js'
import { readLines } from '../formats/jsonl.js'
import type { ComparisonDocument, ComparisonSide, DiffEntry } from '../model/filesystem-documents.js'
import { ImpoundError } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import { collected } from './diff-entries.js'
import type { DiffRequest } from './diff-request.js'

/** One container of an archive. */
interface Capture {
  readonly archive: string
  /** Inside the bag, with the folder of the target: 'data/targets/…/filesystem/app'. */
  readonly directory: string
  readonly pod: string
  readonly container: string
  readonly summary: unknown
  readonly hasDiff: boolean
}

/** What two archives captured of two containers, or of one at two times. */
export async function diffCaptures(request: DiffRequest, signal: AbortSignal): Promise<ComparisonDocument> {
  const a = await captureIn(request.a, request, signal)
  const b = await captureIn(request.b, request, signal)
  if (a.hasDiff !== b.hasDiff) {
    throw new ImpoundError('unsupported', 'one archive says what changed, the other what was there', {
      hints: ['the image of one could not be had when it was captured: capture it again with its registry'],
    })
  }
  const [one, other] = [await linesOf(a, signal), await linesOf(b, signal)]
  const isSameImage = imageOf(a) !== undefined && imageOf(a) === imageOf(b)
  const absence: Absence = !a.hasDiff ? 'not-there' : isSameImage ? 'as-in-image' : 'unknown'
  let unjudged = 0
  const entries = function* (): Generator<DiffEntry, void, undefined> {
    ;({ unjudged } = yield* compareCaptures(one, other, absence))
  }
  const found = await collected(entries(), request.limit)
  const notes = [
    ...[a, b].flatMap((capture) =>
      isWhole(capture)
        ? []
        : [`${capture.archive}: the capture was not proven complete; what it lacks may have been there`],
    ),
    ...(absence === 'unknown'
      ? [
          'the two are of different images, or of an image that is not known: only what both changed is compared',
        ]
      : []),
    ...(unjudged > 0 ? [`${unjudged} paths could not be judged`] : []),
  ]
  return {
    schema: 'impound/comparison/v1',
    of: 'captures',
    a: sideOf(a, one),
    b: sideOf(b, other),
    differs: found.total > 0,
    complete: notes.length === 0,
    config: [],
    ...found.document,
    notes,
  }
}

async function captureIn(
  archive: string,
  { container, pod }: DiffRequest,
  signal: AbortSignal,
): Promise<Capture> {
  const report = await verifyArchive(archive, { signal })
  if (!report.ok) {
    throw new ImpoundError('integrity', `${archive} does not verify: what it holds may have been changed`, {
      hints: [`see what is wrong: impound verify ${archive}`],
    })
  }
  const captures = await capturesIn(archive, signal)
  const meant = captures.filter(
    (one) => (container ?? one.container) === one.container && (pod ?? one.pod) === one.pod,
  )
  const [only] = meant
  if (only !== undefined && meant.length === 1) return only
  throw new ImpoundError(
    meant.length === 0 ? 'not-found' : 'ambiguous',
    meant.length === 0
      ? `${archive} holds no filesystem of a container that is meant`
      : `${archive} holds the filesystems of ${meant.length} containers`,
    {
      hints: captures.slice(0, 10).map((one) => `name one: --pod ${one.pod} --container ${one.container}`),
    },
  )
}

async function capturesIn(archive: string, signal: AbortSignal): Promise<readonly Capture[]> {
  const pods = new Map<string, string>()
  const summaries = new Map<string, unknown>()
  const isWanted = (name: string): boolean =>
    /\/data\/targets\/[^/]+\/(?:pod|filesystem\/[^/]+\/summary)\.json$/.test(name)
  for await (const { path, bytes } of readMembers(archive, isWanted, { signal })) {
    const document = JSON.parse(bytes.toString('utf8')) as unknown
    const directory = path.slice(0, path.lastIndexOf('/'))
    if (path.endsWith('/pod.json')) pods.set(directory, asString(at(document, 'name')) ?? '')
    else summaries.set(directory, document)
  }
  return [...summaries]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([directory, summary]) => ({
      archive,
      directory,
      pod: pods.get(directory.replace(/\/filesystem\/[^/]+$/, '')) ?? '',
      container: asString(at(summary, 'container')) ?? '',
      summary,
      hasDiff: at(summary, 'baseline', 'source') !== 'none',
    }))
}

async function linesOf(
  { archive, directory, hasDiff }: Capture,
  signal: AbortSignal,
): Promise<CapturedLines> {
  const lines = new CapturedLines()
  const file = `/${directory}/${hasDiff ? 'diff' : 'listing'}.jsonl`
  let isThere = false
  for await (const { content } of streamMembers(archive, (name) => name.endsWith(file), signal)) {
    isThere = true
    for await (const { text, torn } of readLines(content)) {
      if (!torn) lines.add(JSON.parse(text.toString('utf8')))
    }
  }
  if (!isThere) throw new ImpoundError('not-found', `${archive} lacks ${file.slice(1)}`)
  return lines
}

/** By which two captures can be seen to be of one image. */
function imageOf({ summary }: Capture): string | undefined {
  return (
    asString(at(summary, 'baseline', 'configDigest')) ?? asString(at(summary, 'baseline', 'manifestDigest'))
  )
}

function isWhole({ summary }: Capture): boolean {
  return at(summary, 'capture', 'complete') === true
}

function sideOf(capture: Capture, lines: CapturedLines): ComparisonSide {
  const { archive, pod, container, summary } = capture
  const [manifestDigest, configDigest, trust] = [
    at(summary, 'baseline', 'manifestDigest'),
    at(summary, 'baseline', 'configDigest'),
    at(summary, 'trust'),
  ].map(asString)
  return {
    given: archive,
    source: 'capture',
    ...{ pod, container },
    ...(trust === undefined ? {} : { trust }),
    ...(manifestDigest === undefined ? {} : { manifestDigest }),
    ...(configDigest === undefined ? {} : { configDigest }),
    entries: lines.size,
  }
}
