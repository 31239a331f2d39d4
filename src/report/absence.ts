import type { LedgerRow } from '../model/evidence.js'
import type { Sentence } from './model.js'
import { plain, sentence } from './sentence.js'
import { REASON_WORDS } from './words.js'

const MOST_ROWS = 5

/**
 * Why a target has no document of a collector, as the ledger says it; of several rows those that speak of `subject`,
 * where any does.
 */
export function absence(
  ledger: readonly LedgerRow[],
  directory: string,
  collector: string,
  subject?: string,
): Sentence {
  const rows = ledger.filter((row) => row.target === directory && row.collector === collector)
  const missing = rows.filter(({ status }) => status === 'failed' || status === 'skipped')
  const meant = missing.filter((row) => row.subject === subject)
  const told = (meant.length > 0 ? meant : missing).slice(0, MOST_ROWS)
  if (told.length > 0) {
    return {
      parts: told.flatMap((row, index) => [...plain(index === 0 ? '' : ' ').parts, ...why(row).parts]),
    }
  }
  return rows.length > 0
    ? plain('Collected, but not taken up in this report: the files are in section 5.')
    : plain('Not in this archive, and the ledger has no row that says why.')
}

function why(row: LedgerRow): Sentence {
  const reason = row.reason ?? 'failed'
  const words = plain(` was not collected (${reason}). ${REASON_WORDS[reason]}`)
  const subject = row.subject === '' ? row.collector : row.subject
  return row.detail === undefined
    ? sentence`${subject}${words}`
    : sentence`${subject}${words} Detail: ${row.detail}.`
}
