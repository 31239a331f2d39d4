import { ImpoundError } from '../model/errors.js'
import { ByteReader } from './byte-reader.js'
import { nextHeader, padding, type TarLimits } from './tar-entry.js'
import type { TarHeader } from './tar-header.js'
import { isZero, readTrailing, type Trailing } from './trailing.js'

export type { TarLimits } from './tar-entry.js'
export type { SparseMap, TarHeader, TarType } from './tar-header.js'

const DEFAULTS: TarLimits = {
  entries: 5_000_000,
  headerBytes: 1 << 20,
  pathBytes: 32 << 10,
  entryBytes: 2 ** 40,
  totalBytes: 2 ** 42,
  sparsePieces: 1 << 16,
}

export interface TarEntry {
  readonly header: TarHeader
  /** The stored bytes, once, as slices of what the source gave. May be left unread, wholly or in part: it is skipped. */
  readonly content: TarContent
  /** Where its content begins in the stream. */
  readonly offset: number
}

export interface TarContent extends AsyncIterable<Buffer> {
  /**
   * All of it, where it is in memory as one piece and nothing of it was read yet; else undefined, and it is to be iterated.
   * Most files are small: a promise for each piece of them costs more than their bytes.
   */
  whole(): Buffer | undefined
}

/** How a tar ended. Anything but its end mark is thrown. */
export interface TarEnd {
  readonly ended: 'two-zero-blocks'
  readonly entries: number
  /** Up to and with the end mark. */
  readonly bytes: number
  /** What follows the end mark: writers fill up to a record with zeros; entries hidden there are not zero. */
  readonly trailing: Trailing
}

/**
 * Reads a tar (V7, ustar, GNU, star, PAX) as it streams; memory is bounded by the limits, not by the content. Returns how
 * it ended, after reading the source to its end. Throws `cut` where the source ends before the end mark, `integrity` on
 * anything malformed, `too-big` past a limit; errors of the source as they are. Entries are to be read in order.
 */
export function readTar(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<TarLimits> = {},
): AsyncGenerator<TarEntry, TarEnd, undefined> {
  const bounds: TarLimits = { ...DEFAULTS, ...limits }
  const reader = new ByteReader(source, 'the tar', bounds.totalBytes)
  const ended = (entries: number): Promise<TarEnd> => afterEnd(reader, entries)
  return members(reader, bounds, ended, () => reader.close())
}

/**
 * Reads a tar that is a part of a longer stream, as {@link readTar} does, and leaves the reader behind it: a writer fills up to
 * whole records of `recordBytes` with zeros. Anything else there is `integrity`. The reader's own bound is the one on bytes.
 */
export function readTarWithin(
  reader: ByteReader,
  recordBytes: number,
  limits: Partial<TarLimits> = {},
): AsyncGenerator<TarEntry, { readonly entries: number; readonly bytes: number }, undefined> {
  const start = reader.position
  const ended = async (entries: number): Promise<{ readonly entries: number; readonly bytes: number }> => {
    const fill = (recordBytes - ((reader.position - start) % recordBytes)) % recordBytes
    if (!isZero(await reader.exactly(fill)))
      throw new ImpoundError('integrity', 'tar: the record of its end mark is filled up with something else')
    return { entries, bytes: reader.position - start }
  }
  return members(reader, { ...DEFAULTS, ...limits }, ended, () => Promise.resolve())
}

/** One generator for both: one that delegates to another costs every entry two more promises. */
async function* members<End>(
  reader: ByteReader,
  bounds: TarLimits,
  ended: (entries: number) => Promise<End>,
  left: () => Promise<void>,
): AsyncGenerator<TarEntry, End, undefined> {
  try {
    let globals: ReadonlyMap<string, Buffer> = new Map()
    let entries = 0
    for (;;) {
      const found = await nextHeader(reader, bounds, globals)
      globals = found.globals
      if (found.header === undefined) return await ended(entries)
      entries += 1
      if (entries > bounds.entries)
        throw new ImpoundError('too-big', `tar: more than ${bounds.entries} entries`)
      const content = new Content(reader, found.header.size)
      yield { header: found.header, content, offset: reader.position }
      if (!content.finishAtHand()) await content.finish()
    }
  } finally {
    await left()
  }
}

/** One entry's bytes and the zeros that fill its last block. */
class Content implements TarContent {
  readonly #reader: ByteReader
  readonly #size: number
  #left: number
  #isOver = false

  constructor(reader: ByteReader, size: number) {
    this.#reader = reader
    this.#size = size
    this.#left = size
  }

  whole(): Buffer | undefined {
    if (this.#isOver || this.#left < this.#size) return undefined
    const bytes = this.#reader.atHand(this.#size)
    if (bytes !== undefined) this.#left = 0
    return bytes
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, undefined> {
    return { next: () => this.#next() }
  }

  async #next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#left === 0) return { done: true, value: undefined }
    if (this.#isOver)
      throw new ImpoundError('bug', 'tar: the content of an entry was read after the next one')
    const slice = await this.#reader.some(this.#left)
    if (slice === undefined) {
      throw new ImpoundError(
        'cut',
        `the tar ends ${this.#left} bytes before the end of an entry of ${this.#size}`,
      )
    }
    this.#left -= slice.length
    return { done: false, value: slice }
  }

  /** Passes over what was not read, where it is in memory; else false, and nothing is passed over. */
  finishAtHand(): boolean {
    this.#isOver = true
    return this.#reader.atHand(this.#rest()) !== undefined
  }

  async finish(): Promise<void> {
    this.#isOver = true
    await this.#reader.skip(this.#rest())
  }

  #rest(): number {
    return this.#left + padding(this.#size)
  }
}

async function afterEnd(reader: ByteReader, entries: number): Promise<TarEnd> {
  const bytes = reader.position
  return { ended: 'two-zero-blocks', entries, bytes, trailing: await readTrailing(reader) }
}
