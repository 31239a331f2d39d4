import type { Writable } from 'node:stream'

import type { ArtefactRecord, CountedReason, Reason, Source } from '../evidence.js'

/** One file of evidence being received. It is hashed as it is written; nothing is held whole. */
export interface ArtefactWriter {
  /** For `pipeline` and for exec and log streams; end() the writer, not this. */
  readonly stream: Writable
  write(chunk: Uint8Array | string): Promise<void>
  readonly bytesWritten: number
  /** After partial() it gives that record: what is partial stays so. */
  end(): Promise<ArtefactRecord>
  /** Keeps what came, marked with why it is not all. */
  partial(reason: CountedReason, detail?: string): Promise<ArtefactRecord>
}

/**
 * Where a collector puts evidence. Names are paths of safe segments (letters, digits, '.', '_', '-', starting with a
 * letter or digit) below the target's directory; {@link safeSegment} makes one of a hostile name.
 */
export interface Sink {
  /**
   * `subject` is what the ledger calls it: 'logs app previous'. With an empty one the artefact is kept and indexed but has no row:
   * API bodies and other means to an end that nobody asked for.
   */
  open(name: string, source: Source, subject: string): Promise<ArtefactWriter>
  /**
   * Opens, fills and ends. What `fill` throws becomes a row of the ledger (partial if bytes had come, else failed) and
   * the next artefact goes on. Gives the record of what was kept, undefined where nothing was. Only an abort and a fault of local storage travel further.
   */
  attempt(
    name: string,
    source: Source,
    subject: string,
    fill: (writer: ArtefactWriter) => Promise<void>,
  ): Promise<ArtefactRecord | undefined>
  /** A whole document at once: JSON, pretty-printed, with a newline at the end. */
  document(name: string, value: unknown, source: Source, subject: string): Promise<ArtefactRecord>
  /** Evidence that is not taken, and why. */
  skip(subject: string, reason: Reason, detail?: string): Promise<void>
  /** Evidence that could not be taken, from the error: the reason is found by the same table for all. */
  failed(subject: string, error: unknown): Promise<void>
}
