import { ImpoundError } from '../model/errors.js'
import type { ByteReader } from './byte-reader.js'
import { BLOCK, hasBody, parseBlock, type TarBlock, type TarHeader } from './tar-header.js'
import { applyPax, checkGlobals, overlayPax, parsePax, type PaxRecord } from './tar-pax.js'
import { checkSparse, contentSparse, hasMapInContent, oldGnuSparse, paxSparse } from './tar-sparse.js'
import { isZero } from './trailing.js'

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

/** Extensions that stand before the header they belong to. */
interface Pending {
  records?: readonly PaxRecord[]
  longName?: Buffer
  longLink?: Buffer
  bytes: number
}

/** Undefined: the end mark was read. */
interface FoundHeader {
  readonly header: TarHeader | undefined
  readonly globals: ReadonlyMap<string, Buffer>
}

/** The next member's header with the extensions before it applied, and the global ones from there on. Errors as of `readTar`. */
export async function nextHeader(
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

/** The second of the two zero blocks; the first one was read at `offset`. */
async function endMark(reader: ByteReader, pending: Pending, offset: number): Promise<void> {
  // A global header may stand alone, as `git archive` writes it for an empty tree.
  if ((pending.records ?? pending.longName ?? pending.longLink) !== undefined)
    throw new ImpoundError('integrity', 'tar: an extended header belongs to no entry')
  if (!isZero(await reader.exactly(BLOCK))) {
    throw new ImpoundError('integrity', `tar: a lone block of zeros at byte ${offset}`)
  }
}

function boundGlobals(globals: ReadonlyMap<string, Buffer>, bounds: TarLimits): void {
  let bytes = 0
  for (const [key, value] of globals) bytes += key.length + value.length
  if (bytes > bounds.headerBytes) {
    throw new ImpoundError('too-big', `tar: more than ${bounds.headerBytes} bytes of global header`)
  }
}

/** Bytes of zeros that fill the last block of a content. */
export function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}
