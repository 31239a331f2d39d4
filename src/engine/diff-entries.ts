import type { ChangeKind, ComparisonDocument, DiffEntry } from '../model/filesystem-documents.js'
import { topChanges } from '../report/index.js'

/** Counts of all changes, and the oddest of them. */
export interface CollectedChanges {
  readonly total: number
  readonly document: Pick<ComparisonDocument, 'counts' | 'entries' | 'entriesLeftOut'>
}

/** Takes all of the changes; memory holds twice the limit. */
export async function collected(entries: Iterable<DiffEntry>, limit: number): Promise<CollectedChanges> {
  const counts: Record<ChangeKind, number> = {
    ...{ added: 0, modified: 0, deleted: 0, 'type-changed': 0, 'metadata-only': 0, opaque: 0 },
  }
  let total = 0
  const counted = function* (): Generator<DiffEntry, void, undefined> {
    for (const entry of entries) {
      counts[entry.change] += 1
      total += 1
      yield entry
    }
  }
  const kept = await topChanges(counted(), limit)
  return { total, document: { counts, entries: kept, entriesLeftOut: total - kept.length } }
}
