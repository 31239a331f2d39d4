import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'

import type { ArtefactRecord, CountedReason } from '../model/evidence.js'
import type { ArtefactWriter } from '../model/ports/sink.js'
import { detailOf, oneLine } from './reason.js'
import { storageError, writeAll } from './storage.js'

/** What became of the bytes: the part of a record that only the writer knows. */
export type Received = Pick<ArtefactRecord, 'sha256' | 'bytes' | 'status' | 'reason' | 'detail'>

/**
 * One artefact on the disk. Its hash and count are those of the bytes that reached the file, also where a source or the
 * disk failed in the middle. `keep` turns what was received into the record and puts it into the log.
 */
export class ArtefactFile implements ArtefactWriter {
  readonly stream: Writable
  readonly #path: string
  readonly #handle: FileHandle
  readonly #keep: (received: Received) => Promise<ArtefactRecord>
  readonly #hash = createHash('sha256')
  #bytes = 0
  #writing: Promise<void> = Promise.resolve()
  #fault: unknown
  #record: Promise<ArtefactRecord> | undefined

  constructor(path: string, handle: FileHandle, keep: (received: Received) => Promise<ArtefactRecord>) {
    this.#path = path
    this.#handle = handle
    this.#keep = keep
    this.stream = new Writable({
      // who honours backpressure then never has a chunk in Node's own buffer, which a destroy would throw away
      highWaterMark: 1,
      write: (chunk: Buffer, _encoding, callback) => this.#receive([chunk], callback),
      writev: (chunks, callback) =>
        this.#receive(
          chunks.map(({ chunk }) => chunk as Buffer),
          callback,
        ),
    })
    // end(), partial() and write() tell; without a listener the error would end the process
    this.stream.on('error', () => undefined)
  }

  get bytesWritten(): number {
    return this.#bytes
  }

  async write(chunk: Uint8Array | string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.stream.write(chunk, (error) => {
        if (error) reject(this.#why(error))
        else resolve()
      })
    })
  }

  async end(): Promise<ArtefactRecord> {
    if (this.#record === undefined) await this.#flushed()
    return (this.#record ??= this.#conclude({ status: 'collected' }))
  }

  async partial(reason: CountedReason, detail?: string): Promise<ArtefactRecord> {
    await this.settle()
    if (this.#fault !== undefined) throw this.#why(this.#fault)
    return (this.#record ??= this.#conclude({
      status: 'partial',
      reason,
      ...(detail === undefined ? {} : { detail: oneLine(detail, 500) }),
    }))
  }

  /** Concludes it whatever its state, also after a fault of the disk: for what is still open when the run is sealed. */
  async interrupt(): Promise<ArtefactRecord> {
    await this.settle()
    return (this.#record ??= this.#conclude(
      this.#fault === undefined
        ? { status: 'partial', reason: 'interrupted' }
        : { status: 'partial', reason: 'failed', detail: detailOf(this.#fault) },
    ))
  }

  /** Waits until nothing more reaches the file; `bytesWritten` is final then. Never rejects. */
  async settle(): Promise<void> {
    if (this.#record === undefined) await this.#flushed().catch(() => undefined)
  }

  /** Closes the file without a record. */
  async abandon(): Promise<void> {
    this.stream.destroy()
    await this.#writing
    await this.#close()
  }

  #receive(chunks: readonly Buffer[], callback: (error?: Error | null) => void): void {
    const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
    this.#writing = writeAll(this.#handle, bytes ?? Buffer.alloc(0), (part) => {
      this.#hash.update(part)
      this.#bytes += part.length
    }).then(
      () => callback(),
      (error: unknown) => {
        this.#fault = storageError(error, this.#path)
        callback(this.#fault as Error)
      },
    )
  }

  /** Everything that was written is on the file; rejects where the stream had failed or been destroyed. */
  async #flushed(): Promise<void> {
    try {
      if (!this.stream.destroyed) this.stream.end()
      await finished(this.stream)
    } catch (error) {
      throw this.#why(error)
    } finally {
      await this.#writing
    }
  }

  async #conclude(how: Pick<Received, 'status' | 'reason' | 'detail'>): Promise<ArtefactRecord> {
    await this.#close()
    return this.#keep({ sha256: this.#hash.digest('hex'), bytes: this.#bytes, ...how })
  }

  async #close(): Promise<void> {
    try {
      await this.#handle.close()
    } catch (error) {
      throw storageError(error, this.#path)
    }
  }

  /** A destroyed stream only says that it was destroyed: the fault of the disk behind it is what matters. */
  #why(error: unknown): Error {
    return (this.#fault ?? error) as Error
  }
}
