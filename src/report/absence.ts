import type { LedgerRow } from '../model/evidence.js'
import type { Sentence } from './model.js'
import { plain, sentence } from './sentence.js'
import { REASON_WORDS } from './words.js'

/** Why a target has no document of a collector, as the ledger says it. */
export function absence(ledger: readonly LedgerRow[], directory: string, collector: string): Sentence {
  const row = ledger.find(
    (entry) => entry.target === directory && entry.collector === collector && entry.status !== 'collected',
  )
  if (row === undefined) return plain('Not in this archive, and the ledger has no row that says why.')
  const why = plain(`Not collected (${row.reason ?? 'failed'}). ${REASON_WORDS[row.reason ?? 'failed']}`)
  return row.detail === undefined ? why : sentence`${why} Detail: ${row.detail}`
}
