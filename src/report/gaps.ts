import { countsAgainst, type LedgerRow } from '../model/evidence.js'
import { bounded, byText } from './bounded.js'
import type { Gap, Gaps } from './model.js'
import { REASON_WORDS, STATUS_WEIGHT } from './words.js'

const LEDGER = 'data/ledger.json'
const MOST_GAPS = 200

/** What was not collected, or not whole. `pods` gives a target directory's pod as namespace/name. */
export function gapsOf(ledger: readonly LedgerRow[], pods: ReadonlyMap<string, string>): Gaps {
  const count = (status: LedgerRow['status']): number => ledger.filter((row) => row.status === status).length
  const missing = ledger
    .filter((row) => row.status !== 'collected')
    .toSorted(
      (a, b) =>
        STATUS_WEIGHT[a.status] - STATUS_WEIGHT[b.status] ||
        byText(a.target ?? '', b.target ?? '') ||
        byText(a.collector, b.collector) ||
        byText(a.subject, b.subject),
    )
  const list = (rows: readonly LedgerRow[]): Gaps['counted'] =>
    bounded(
      rows.map((row) => gapOf(row, pods)),
      MOST_GAPS,
      LEDGER,
    )
  return {
    tally: {
      collected: count('collected'),
      partial: count('partial'),
      failed: count('failed'),
      skipped: count('skipped'),
    },
    counted: list(missing.filter(countsAgainst)),
    harmless: list(missing.filter((row) => !countsAgainst(row))),
  }
}

function gapOf(row: LedgerRow, pods: ReadonlyMap<string, string>): Gap {
  const reason = row.reason ?? 'failed'
  return {
    pod: row.target === undefined ? null : (pods.get(row.target) ?? row.target),
    subject: row.subject === '' ? row.collector : row.subject,
    collector: row.collector,
    status: row.status,
    reason,
    why: REASON_WORDS[reason],
    detail: row.detail ?? null,
  }
}
