import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'

import { ImpoundError } from '../../src/model/errors.js'
import { type ArtefactRecord, type LedgerRow, REASON_OF, type Source } from '../../src/model/evidence.js'
import type { ArtefactWriter, Sink } from '../../src/model/ports/sink.js'

/** A sink that keeps everything: what a test looks at. */
export class MemorySink implements Sink {
  readonly files = new Map<string, Buffer>()
  readonly records = new Map<string, ArtefactRecord>()
  readonly #taken = new Set<string>()
  readonly rows: Omit<LedgerRow, 'collector'>[] = []

  text(name: string): string {
    return this.files.get(name)?.toString('utf8') ?? ''
  }

  json(name: string): unknown {
    return JSON.parse(this.text(name))
  }

  /** By its archive path. */
  async *content(path: string): AsyncGenerator<Buffer, void, undefined> {
    await Promise.resolve()
    yield this.files.get(path.slice('data/targets/t/'.length)) ?? Buffer.alloc(0)
  }

  lines(name: string): unknown[] {
    return this.text(name)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown)
  }

  row(subject: string): Omit<LedgerRow, 'collector'> | undefined {
    return this.rows.find((row) => row.subject === subject)
  }

  open(name: string, source: Source, subject: string): Promise<ArtefactWriter> {
    // as the archive does, whatever became of the first
    if (this.#taken.has(name))
      return Promise.reject(new ImpoundError('bug', `two artefacts want to be ${name}`))
    this.#taken.add(name)
    const chunks: Buffer[] = []
    let bytes = 0
    const take = (chunk: Uint8Array | string): void => {
      const copy = Buffer.from(chunk as Uint8Array)
      chunks.push(copy)
      bytes += copy.length
    }
    const close = (
      status: 'collected' | 'partial',
      extra: Partial<ArtefactRecord>,
    ): Promise<ArtefactRecord> => {
      const content = Buffer.concat(chunks)
      const record: ArtefactRecord = {
        path: `data/targets/t/${name}`,
        sha256: createHash('sha256').update(content).digest('hex'),
        bytes: content.length,
        collector: 'test',
        source,
        status,
        ...extra,
        startedAt: '',
        endedAt: '',
      }
      if (this.files.has(name)) throw new Error(`${name} was closed twice`)
      this.files.set(name, content)
      this.records.set(name, record)
      if (subject !== '')
        this.rows.push({ subject, status, ...extra, path: record.path, bytes: content.length })
      return Promise.resolve(record)
    }
    return Promise.resolve({
      stream: new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          take(chunk)
          done()
        },
      }),
      write: (chunk) => {
        take(chunk)
        return Promise.resolve()
      },
      get bytesWritten() {
        return bytes
      },
      end: () => close('collected', {}),
      partial: (reason, detail) => close('partial', { reason, ...(detail === undefined ? {} : { detail }) }),
    })
  }

  async attempt(
    name: string,
    source: Source,
    subject: string,
    fill: (writer: ArtefactWriter) => Promise<void>,
  ): Promise<ArtefactRecord | undefined> {
    const writer = await this.open(name, source, subject)
    try {
      await fill(writer)
    } catch (error) {
      await this.failed(subject, error)
      return undefined
    }
    return writer.end()
  }

  async document(name: string, value: unknown, source: Source, subject: string): Promise<ArtefactRecord> {
    const writer = await this.open(name, source, subject)
    await writer.write(`${JSON.stringify(value, null, 2)}\n`)
    return writer.end()
  }

  skip(subject: string, reason: LedgerRow['reason'] & string, detail?: string): Promise<void> {
    this.rows.push({ subject, status: 'skipped', reason, ...(detail === undefined ? {} : { detail }) })
    return Promise.resolve()
  }

  failed(subject: string, error: unknown): Promise<void> {
    if (!(error instanceof ImpoundError)) throw error
    this.rows.push({ subject, status: 'failed', reason: REASON_OF[error.code], detail: error.message })
    return Promise.resolve()
  }
}
