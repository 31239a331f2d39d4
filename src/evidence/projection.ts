import type { LogBody } from '../model/acquisition.js'
import type { ArtefactRecord, LedgerRow, Status } from '../model/evidence.js'

/** data/ledger.json: what was asked for and how it ended. */
export interface LedgerDocument {
  readonly schema: 'impound/ledger/v1'
  readonly rows: readonly LedgerRow[]
  readonly counts: Readonly<Record<Status, number>>
}

/**
 * Index and ledger as the acquisition log has them so far. A later line about a path replaces the earlier one;
 * an `outcome` with a path says that the file is no longer there.
 */
export class Projection {
  readonly #artefacts = new Map<string, ArtefactRecord>()
  readonly #rows = new Map<string, LedgerRow>()

  observe(line: LogBody): void {
    if (line.type === 'artefact') {
      const { artefact, subject } = line
      this.#artefacts.set(artefact.path, artefact)
      if (subject !== undefined) this.#rows.set(artefact.path, rowOf(artefact, subject))
    } else if (line.type === 'outcome') {
      const { path } = line.row
      if (path !== undefined) this.#artefacts.delete(path)
      this.#rows.set(path ?? `outcome ${this.#rows.size}`, line.row)
    }
  }

  /** By path, in the order of its code units. */
  index(): readonly ArtefactRecord[] {
    return [...this.#artefacts.values()].sort((a, b) => compare(a.path, b.path))
  }

  artefact(path: string): ArtefactRecord | undefined {
    return this.#artefacts.get(path)
  }

  /** What the ledger calls an artefact; undefined where it has no row. */
  subjectOf(path: string): string | undefined {
    return this.#rows.get(path)?.subject
  }

  /** By target (what belongs to the case first), collector and subject: the same evidence gives the same rows. */
  ledger(): readonly LedgerRow[] {
    return [...this.#rows.values()].sort(
      (a, b) =>
        compare(a.target ?? '', b.target ?? '') ||
        compare(a.collector, b.collector) ||
        compare(a.subject, b.subject) ||
        compare(a.path ?? '', b.path ?? ''),
    )
  }
}

export function ledgerDocument(rows: readonly LedgerRow[]): LedgerDocument {
  const counts: Record<Status, number> = { collected: 0, partial: 0, skipped: 0, failed: 0 }
  for (const row of rows) counts[row.status] += 1
  return { schema: 'impound/ledger/v1', rows, counts }
}

function rowOf(artefact: ArtefactRecord, subject: string): LedgerRow {
  return {
    collector: artefact.collector,
    ...(artefact.target === undefined ? {} : { target: artefact.target }),
    subject,
    status: artefact.status,
    ...(artefact.reason === undefined ? {} : { reason: artefact.reason }),
    ...(artefact.detail === undefined ? {} : { detail: artefact.detail }),
    path: artefact.path,
    bytes: artefact.bytes,
  }
}

/** By UTF-16 code units: for our own names, which are ASCII, the order of the bytes. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
