import type { RecordedRead } from '../model/collector.js'
import type { Missing } from '../model/access-documents.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { REASON_OF } from '../model/evidence.js'
import type { Sink } from '../model/ports/sink.js'

/** Reads that a document can do without: one that fails is a row of the ledger and an entry in `missing`, and the next goes on. */
export class PartialReads {
  readonly missing: Missing[] = []
  readonly artefacts: string[] = []
  readonly #collector: string
  readonly #sink: Sink

  constructor(collector: string, sink: Sink) {
    this.#collector = collector
    this.#sink = sink
  }

  /** What was read, and undefined where it could not be; throws only for an abort and a fault of local storage. */
  async read<Result extends RecordedRead | readonly RecordedRead[]>(
    what: string,
    ask: () => Promise<Result>,
  ): Promise<Result | undefined> {
    const answer = await this.attempt(ask)
    if ('result' in answer) return answer.result
    await this.report(what, answer.error)
    return undefined
  }

  /** The same without a report, for reads to which there is an alternative. */
  async attempt<Result extends RecordedRead | readonly RecordedRead[]>(
    ask: () => Promise<Result>,
  ): Promise<{ readonly result: Result } | { readonly error: unknown }> {
    try {
      const result = await ask()
      this.artefacts.push(...[result].flat().map(({ artefact }) => artefact))
      return { result }
    } catch (error) {
      if (isCode(error, 'aborted', 'storage')) throw error
      return { error }
    }
  }

  async report(what: string, error: unknown): Promise<void> {
    const reason = error instanceof ImpoundError ? REASON_OF[error.code] : 'failed'
    this.missing.push({ what, reason, detail: messageOf(error) })
    await this.#sink.failed(`${this.#collector} ${what}`, error)
  }
}
