import { ImpoundError } from '../model/errors.js'
import { ByteReader } from './byte-reader.js'
import { BLOCK, hasBody, parseBlock, type TarBlock, type TarHeader } from './tar-header.js'
import { applyPax, checkGlobals, overlayPax, parsePax, type PaxRecord } from './tar-pax.js'
import { checkSparse, contentSparse, hasMapInContent, oldGnuSparse, paxSparse } from './tar-sparse.js'
import { isZero, readTrailing, type Trailing } from './trailing.js'

export type { SparseMap, TarHeader, TarType } from './tar-header.js'

/** Bounds on what a tar may ask of its reader; past one the reader throws `too-big`. */
export interface TarLimits {
  readonly entries: number
  /** Of all extension headers of one entry together. */
  readonly headerBytes: number
  readonly pathBytes: number
  /** Of one entry's content. */
  readonly entryBytes: number
  /** Of the whole stream. */
  readonly totalBytes: number
  readonly sparsePieces: number
}

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

/** Extensions that stand before the header they belong to. */
interface Pending {
  records?: readonly PaxRecord[]
  longName?: Buffer
  longLink?: Buffer
  bytes: number
}

interface FoundHeader {
  readonly header: TarHeader | undefined
  readonly globals: ReadonlyMap<string, Buffer>
}

async function nextHeader(
  reader: ByteReader,
  bounds: TarLimits,
  before: ReadonlyMap<string, Buffer>,
): Promise<FoundHeader> {
  const pending: Pending = { bytes: 0 }
  let globals = before
  for (;;) {
    const offset = reader.position
    // without waiting where it can be: of small files a tar is mostly headers
    const raw = reader.atHand(BLOCK) ?? (await reader.exactly(BLOCK))
    if (raw[0] === 0 && isZero(raw)) {
      await endMark(reader, pending, offset)
      return { header: undefined, globals }
    }
    const block = parseBlock(raw, offset)
    switch (block.header.typeflag) {
      case 'x':
      case 'X':
        if (pending.records !== undefined)
          throw new ImpoundError('integrity', `tar: a second PAX header for one entry, at byte ${offset}`)
        pending.records = parsePax(await extension(reader, block, pending, bounds))
        break
      case 'g': {
        const records = parsePax(await extension(reader, block, pending, bounds))
        checkGlobals(records)
        globals = overlayPax(globals, records)
        boundGlobals(globals, bounds)
        break
      }
      case 'L':
        pending.longName = untilNul(await extension(reader, block, pending, bounds))
        break
      case 'K':
        pending.longLink = untilNul(await extension(reader, block, pending, bounds))
        break
      default: {
        const header = effective(block, pending, globals, bounds)
        if (!maySparse(header)) return { header, globals }
        const records = pending.records ?? []
        return { header: await withSparse(header, block.raw, records, reader, bounds), globals }
      }
    }
  }
}

/** The body of an extension header: as long as its own size field says, whatever PAX says of the entry to come. */
async function extension(
  reader: ByteReader,
  block: TarBlock,
  pending: Pending,
  bounds: TarLimits,
): Promise<Buffer> {
  const { size } = block.header
  pending.bytes += BLOCK + size
  if (pending.bytes > bounds.headerBytes) {
    throw new ImpoundError('too-big', `tar: more than ${bounds.headerBytes} bytes of extended header`)
  }
  // A copy: what is kept of it must neither change nor hold the chunk that it came in.
  const body = Buffer.from(await reader.exactly(size))
  await reader.skip(padding(size))
  return body
}

/** A header with the extensions before it applied, and within its bounds. */
function effective(
  block: TarBlock,
  pending: Pending,
  globals: ReadonlyMap<string, Buffer>,
  bounds: TarLimits,
): TarHeader {
  const records = pending.records ?? []
  checkOneName(pending, records)
  const pax = overlayPax(globals, records)
  const named =
    pending.longName === undefined && pending.longLink === undefined
      ? block.header
      : {
          ...block.header,
          path: pending.longName ?? block.header.path,
          linkPath: pending.longLink ?? block.header.linkPath,
        }
  const header = applyPax(named, pax)
  if (header.path.length > bounds.pathBytes || (header.linkPath?.length ?? 0) > bounds.pathBytes) {
    throw new ImpoundError('too-big', `tar: a path of more than ${bounds.pathBytes} bytes`)
  }
  if (header.size > bounds.entryBytes) {
    throw new ImpoundError(
      'too-big',
      `tar: an entry of ${header.size} bytes, the limit is ${bounds.entryBytes}`,
    )
  }
  return header
}

function maySparse({ typeflag, pax }: TarHeader): boolean {
  return hasBody(typeflag) && (typeflag === 'S' || pax.size > 0)
}

/** GNU tar believes the PAX name, Go the GNU one, and so would show different files: no writer gives both. */
function checkOneName(pending: Pending, records: readonly PaxRecord[]): void {
  const keys = records.map(({ key }) => key)
  if (
    (pending.longName !== undefined && (keys.includes('path') || keys.includes('GNU.sparse.name'))) ||
    (pending.longLink !== undefined && keys.includes('linkpath'))
  ) {
    throw new ImpoundError('integrity', 'tar: an entry has a long name of GNU and one of PAX')
  }
}

async function withSparse(
  header: TarHeader,
  raw: Buffer,
  records: readonly PaxRecord[],
  reader: ByteReader,
  bounds: TarLimits,
): Promise<TarHeader> {
  if (hasMapInContent(header.pax)) {
    const { sparse, mapBytes } = await contentSparse(header.pax, reader, header.size, bounds.sparsePieces)
    checkSparse(sparse, header.size - mapBytes)
    return { ...header, size: header.size - mapBytes, sparse }
  }
  const sparse =
    header.typeflag === 'S'
      ? await oldGnuSparse(raw, reader, bounds.sparsePieces)
      : paxSparse(header.pax, records, bounds.sparsePieces)
  if (sparse === undefined) return header
  checkSparse(sparse, header.size)
  return { ...header, sparse }
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

/** The second of the two zero blocks; the first one was read at `offset`. */
async function endMark(reader: ByteReader, pending: Pending, offset: number): Promise<void> {
  // A global header may stand alone, as `git archive` writes it for an empty tree.
  if ((pending.records ?? pending.longName ?? pending.longLink) !== undefined)
    throw new ImpoundError('integrity', 'tar: an extended header belongs to no entry')
  if (!isZero(await reader.exactly(BLOCK))) {
    throw new ImpoundError('integrity', `tar: a lone block of zeros at byte ${offset}`)
  }
}

async function afterEnd(reader: ByteReader, entries: number): Promise<TarEnd> {
  const bytes = reader.position
  return { ended: 'two-zero-blocks', entries, bytes, trailing: await readTrailing(reader) }
}

function boundGlobals(globals: ReadonlyMap<string, Buffer>, bounds: TarLimits): void {
  let bytes = 0
  for (const [key, value] of globals) bytes += key.length + value.length
  if (bytes > bounds.headerBytes) {
    throw new ImpoundError('too-big', `tar: more than ${bounds.headerBytes} bytes of global header`)
  }
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}
