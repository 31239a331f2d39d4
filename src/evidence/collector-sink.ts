import { ImpoundError, isCode } from '../model/errors.js'
import type { ArtefactRecord, LedgerRow, Reason, Source } from '../model/evidence.js'
import type { ArtefactWriter, Sink } from '../model/ports/sink.js'
import type { ArtefactFile } from './artefact-file.js'
import { checkedName, type ArtefactStore, type Note } from './artefact-store.js'
import { detailOf, isAbort, oneLine, reasonOf } from './reason.js'

/** Names below data/ that sinks don't hand out: they have makers of their own. */
const RESERVED = /^data\/(?:targets|automatic|index\.jsonl|ledger\.json)(?:\/|$)/

/** Where one collector puts its evidence of one target, or of the case where `target` is undefined. */
export class CollectorSink implements Sink {
  readonly #store: ArtefactStore
  readonly #collector: string
  readonly #target: string | undefined
  readonly #note: Note | undefined

  constructor(store: ArtefactStore, collector: string, target?: string, note?: Note) {
    this.#store = store
    this.#note = note
    this.#collector = collector
    this.#target = target
  }

  async open(name: string, source: Source, subject: string): Promise<ArtefactWriter> {
    return this.#open(name, source, subject)
  }

  async attempt(
    name: string,
    source: Source,
    subject: string,
    fill: (writer: ArtefactWriter) => Promise<void>,
  ): Promise<ArtefactRecord | undefined> {
    let file: ArtefactFile | undefined
    try {
      file = await this.#open(name, source, subject)
      await fill(file)
      return await file.end()
    } catch (error) {
      if (isCode(error, 'storage')) throw error
      const kept = await this.#keepWhatCame(name, subject, error, file)
      if (isAbort(error)) throw error
      return kept
    }
  }

  async document(name: string, value: unknown, source: Source, subject: string): Promise<ArtefactRecord> {
    const file = await this.#open(name, source, subject)
    await file.write(`${JSON.stringify(value, undefined, 2)}\n`)
    return file.end()
  }

  async skip(subject: string, reason: Reason, detail?: string): Promise<void> {
    await this.#outcome({
      subject,
      status: 'skipped',
      reason,
      ...(detail === undefined ? {} : { detail: oneLine(detail, 500) }),
    })
  }

  async failed(subject: string, error: unknown): Promise<void> {
    await this.#outcome({ subject, status: 'failed', reason: reasonOf(error), detail: detailOf(error) })
  }

  async #keepWhatCame(
    name: string,
    subject: string,
    error: unknown,
    file: ArtefactFile | undefined,
  ): Promise<ArtefactRecord | undefined> {
    await file?.settle()
    if (file !== undefined && file.bytesWritten > 0) return file.partial(reasonOf(error), detailOf(error))
    if (file !== undefined) await this.#store.remove(this.#path(name), file)
    if (subject !== '') await this.failed(subject, error)
    return undefined
  }

  async #open(name: string, source: Source, subject: string): Promise<ArtefactFile> {
    const path = this.#path(name)
    if (this.#target === undefined && RESERVED.test(path)) {
      throw new ImpoundError('bug', `${path} is not a collector's to write`)
    }
    return this.#store.open({
      path,
      ...this.#owner(),
      source,
      subject: oneLine(subject, 200),
      ...(this.#note === undefined ? {} : { note: this.#note }),
    })
  }

  #path(name: string): string {
    const base = this.#target === undefined ? 'data' : `data/targets/${this.#target}`
    return `${base}/${checkedName(name)}`
  }

  async #outcome(row: Omit<LedgerRow, 'collector' | 'target'>): Promise<void> {
    await this.#store.outcome({ ...this.#owner(), ...row, subject: oneLine(row.subject, 200) })
  }

  #owner(): Pick<LedgerRow, 'collector' | 'target'> {
    return {
      collector: this.#collector,
      ...(this.#target === undefined ? {} : { target: this.#target }),
    }
  }
}
