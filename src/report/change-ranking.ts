import type { ChangeClass, ChangeKind, DiffEntry } from '../model/filesystem-documents.js'
import { byText } from './bounded.js'
import { FLAG_WORDS } from './words.js'

const FLAGS = [...FLAG_WORDS.keys()]
const CLASS_WEIGHT: Readonly<Record<ChangeClass, number>> = {
  'under-mount': 0,
  user: 1,
  volume: 2,
  runtime: 3,
}
const KIND_WEIGHT: Readonly<Record<ChangeKind, number>> = {
  added: 0,
  'type-changed': 1,
  modified: 2,
  deleted: 3,
  opaque: 4,
  'metadata-only': 5,
}

/** How soon a reader should see a change: what runs or can run first, what the runtime made itself last. */
export function compareChanges(a: DiffEntry, b: DiffEntry): number {
  return (
    flagWeight(a) - flagWeight(b) ||
    CLASS_WEIGHT[a.class] - CLASS_WEIGHT[b.class] ||
    KIND_WEIGHT[a.change] - KIND_WEIGHT[b.change] ||
    byText(a.path, b.path)
  )
}

function flagWeight({ flags }: DiffEntry): number {
  const ranks = flags.map((flag) => FLAGS.indexOf(flag)).filter((rank) => rank !== -1)
  return Math.min(FLAGS.length, ...ranks)
}

/** Rows of changed files in a report, for one container. */
export const MOST_CHANGES = 100

/** The foremost of any number of changes, in memory for twice as many. */
export async function topChanges(
  entries: AsyncIterable<DiffEntry> | Iterable<DiffEntry>,
  limit = MOST_CHANGES,
): Promise<readonly DiffEntry[]> {
  let kept: DiffEntry[] = []
  for await (const entry of entries) {
    kept.push(entry)
    if (kept.length >= 2 * limit) kept = kept.sort(compareChanges).slice(0, limit)
  }
  return kept.sort(compareChanges).slice(0, limit)
}
