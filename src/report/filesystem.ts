import type { ChangedAspect, ChangeKind, DiffEntry, FileFacts } from '../model/filesystem-documents.js'
import { safeSegment } from '../model/safe-segment.js'
import { formatBytes } from '../text/bytes.js'
import { bounded, byText } from './bounded.js'
import { compareChanges, MOST_CHANGES } from './change-ranking.js'
import type { ReportFilesystem } from './input.js'
import type { Bounded, ChangeRow, FilesystemReport, Sentence } from './model.js'
import { plain, sentence } from './sentence.js'
import { CHANGE_WORDS, CONTENT_WORDS, FLAG_WORDS, METHOD_WORDS, TRUST_WORDS } from './words.js'

const MOST_CONTAINERS = 50
const MOST_LINES = 20

export function filesystemsOf(
  filesystems: readonly ReportFilesystem[],
  directory: string,
): Bounded<FilesystemReport> {
  const rows = filesystems
    .toSorted((a, b) => byText(a.summary.container, b.summary.container))
    .map((filesystem) => filesystemOf(filesystem, directory))
  return bounded(rows, MOST_CONTAINERS, `data/targets/${directory}/filesystem/`)
}

function filesystemOf({ summary, entries }: ReportFilesystem, directory: string): FilesystemReport {
  const counts = (Object.entries(CHANGE_WORDS) as [ChangeKind, string][])
    .map(([kind, words]) => ({ kind: words, count: summary.counts[kind] }))
    .filter(({ count }) => count > 0)
  const total = Math.max(
    entries.length,
    counts.reduce((sum, { count }) => sum + count, 0),
  )
  const where = `data/targets/${directory}/filesystem/${safeSegment(summary.container)}/diff.jsonl`
  return {
    container: summary.container,
    method: METHOD_WORDS[summary.method],
    passedOver: (summary.passedOver ?? []).map(
      ({ method, why }) => sentence`Not read ${plain(METHOD_WORDS[method])}: ${why}`,
    ),
    trust: TRUST_WORDS[summary.trust],
    baseline: baselineWords(summary.baseline),
    capture: captureWords(summary.capture),
    compared: summary.baseline.source !== 'none',
    counts,
    entries: bounded(entries.toSorted(compareChanges).map(rowOf), MOST_CHANGES, where, total),
    disturbance: summary.disturbance.slice(0, MOST_LINES),
    degraded: summary.degraded.slice(0, MOST_LINES),
  }
}

function baselineWords(baseline: ReportFilesystem['summary']['baseline']): Sentence {
  if (baseline.source === 'none') {
    const nothing =
      'There was no image to compare with: what is listed is what was there, not what was changed.'
    return baseline.mismatch === undefined
      ? plain(nothing)
      : sentence`THE IMAGE IS NOT WHAT ITS DIGEST NAMES: ${baseline.mismatch}. Somebody may have changed it where it is kept. ${plain(nothing)}`
  }
  if (baseline.source === 'node-lower') {
    const instead =
      baseline.mismatch === undefined
        ? plain('')
        : sentence`THE IMAGE IS NOT WHAT ITS DIGEST NAMES: ${baseline.mismatch}. `
    return sentence`${instead}Compared with the image's layers as they lie on the node, put together by its kernel: ${baseline.entries} entries. Nobody checked them against a digest: root on the node could have changed them.`
  }
  const checked = baseline.verified
    ? plain('every layer matched its digest')
    : plain('not every layer could be checked against its digest')
  const digest = baseline.manifestDigest ?? baseline.configDigest ?? 'digest not known'
  return sentence`Compared with the image ${digest} ${sourceWords(baseline)}: ${baseline.entries} entries, ${checked}.`
}

function sourceWords(baseline: ReportFilesystem['summary']['baseline']): Sentence {
  switch (baseline.source) {
    case 'image-archive': {
      const from = sentence`from the file ${baseline.archive ?? 'unnamed'}`
      return baseline.matchedBy === 'name' ? sentence`${from}, taken for it by its name alone` : from
    }
    case 'node-lower':
    case 'registry':
    case 'none':
      return plain('from the registry')
  }
}

function captureWords(capture: ReportFilesystem['summary']['capture']): Sentence {
  const size = plain(`${capture.entries} entries, ${formatBytes(capture.bytes)}`)
  if (capture.complete) {
    return sentence`Read ${size}. The stream came whole: its end mark, the far end's own count and digest, and the exit status agree.`
  }
  const why = capture.why === undefined ? plain('for a reason that was not recorded') : plain(capture.why)
  return sentence`Read ${size}. Not proven complete: ${why}. Files may be missing from this list.`
}

function rowOf(entry: DiffEntry): ChangeRow {
  const flags = entry.flags.map((flag) => FLAG_WORDS.get(flag) ?? flag)
  const hidden = entry.class === 'under-mount' ? ['below a mount point'] : []
  const notable = [...flags, ...hidden].slice(0, 8).join(', ')
  return {
    path: entry.path,
    pathB64: entry.pathB64 ?? null,
    change: CHANGE_WORDS[entry.change],
    notable: notable === '' ? null : notable,
    detail: detailOf(entry),
    modified: entry.after?.mtime ?? null,
    sha256: entry.after?.sha256 ?? null,
    content: contentWords(entry),
  }
}

function detailOf({ before, after, changed }: DiffEntry): string {
  if (after === undefined) return before === undefined ? '' : `was ${factsOf(before)}`
  if (before === undefined) return factsOf(after)
  const told: Partial<Record<ChangedAspect, string>> = {
    type: `${before.type} → ${after.type}`,
    mode: `mode ${before.mode} → ${after.mode}`,
    owner: `owner ${before.uid}:${before.gid} → ${after.uid}:${after.gid}`,
    link: `link ${before.link ?? 'none'} → ${after.link ?? 'none'}`,
    content:
      before.size === after.size
        ? 'content'
        : `content, ${formatBytes(before.size)} → ${formatBytes(after.size)}`,
  }
  return changed.map((aspect) => told[aspect] ?? aspect).join('; ')
}

/** Only a file that is new or has new content has bytes to keep. */
function contentWords({ content, after, change }: DiffEntry): string | null {
  if (content !== undefined) return CONTENT_WORDS[content]
  return after?.type === 'file' && change !== 'metadata-only' ? 'not kept' : null
}

function factsOf(facts: FileFacts): string {
  const link = facts.link === undefined ? '' : ` → ${facts.link}`
  return `${facts.type}${link}, ${facts.mode}, owner ${facts.uid}:${facts.gid}, ${formatBytes(facts.size)}`
}
