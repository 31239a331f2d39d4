import { ImpoundError } from '../model/errors.js'
import type { ByteReader } from './byte-reader.js'
import type { SparseMap } from './tar-header.js'
import { headerNumber, paxCount } from './tar-number.js'
import type { PaxRecord } from './tar-pax.js'

const BLOCK = 512

/** Old GNU ('S'): four pieces in the header, 21 in each extension block that follows it. */
export async function oldGnuSparse(raw: Buffer, reader: ByteReader, limit: number): Promise<SparseMap> {
  const realSize = headerNumber(raw, 483, 12, 'real size', true)
  const pieces = piecesIn(raw.subarray(386, 482))
  let isExtended = raw[482] !== 0 && raw[482] !== 0x30
  // Extension blocks without a single piece could follow each other forever.
  for (let blocks = 0; isExtended; blocks += 1) {
    if (pieces.length > limit || blocks > limit) throw tooMany(limit)
    const block = await reader.exactly(BLOCK)
    pieces.push(...piecesIn(block.subarray(0, 504)))
    isExtended = block[504] !== 0 && block[504] !== 0x30
  }
  return { realSize, pieces }
}

function piecesIn(table: Buffer): { offset: number; length: number }[] {
  const pieces = []
  for (let at = 0; at + 24 <= table.length && table[at] !== 0; at += 24) {
    pieces.push({
      offset: headerNumber(table, at, 12, 'sparse offset', true),
      length: headerNumber(table, at + 12, 12, 'sparse length', true),
    })
  }
  return pieces
}

/** GNU's PAX forms 0.0 (repeated offset and numbytes records) and 0.1 (one map record). Undefined where there is none. */
export function paxSparse(
  pax: ReadonlyMap<string, Buffer>,
  records: readonly PaxRecord[],
  limit: number,
): SparseMap | undefined {
  const size = pax.get('GNU.sparse.size')
  if (size === undefined) return undefined
  const numbers = pax.has('GNU.sparse.map')
    ? (pax.get('GNU.sparse.map')?.toString('latin1') ?? '').split(',')
    : records
        .filter(({ key }) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
        .map(({ value }) => value.toString('latin1'))
  return { realSize: paxCount(size, 'GNU.sparse.size'), pieces: paired(numbers, limit) }
}

/** Whether the content begins with a map (GNU's PAX form 1.0). */
export function hasMapInContent(pax: ReadonlyMap<string, Buffer>): boolean {
  return pax.get('GNU.sparse.major')?.toString('latin1') === '1' && pax.has('GNU.sparse.realsize')
}

/** Reads the map at the beginning of the content: decimal lines, count first, filled up to whole blocks. */
export async function contentSparse(
  pax: ReadonlyMap<string, Buffer>,
  reader: ByteReader,
  size: number,
  limit: number,
): Promise<{ readonly sparse: SparseMap; readonly mapBytes: number }> {
  const lines: string[] = []
  let rest = ''
  let mapBytes = 0
  const complete = (): boolean => lines.length > 0 && lines.length >= 1 + 2 * count(lines, limit)
  while (!complete()) {
    if (rest.length > 24) throw new ImpoundError('integrity', 'tar: no number in a sparse map')
    if (mapBytes + BLOCK > size)
      throw new ImpoundError('integrity', 'tar: a sparse map is longer than its file')
    const fresh = (rest + (await reader.exactly(BLOCK)).toString('latin1')).split('\n')
    mapBytes += BLOCK
    rest = fresh.pop() ?? ''
    lines.push(...fresh)
  }
  const realSize = paxCount(pax.get('GNU.sparse.realsize') ?? Buffer.alloc(0), 'GNU.sparse.realsize')
  return {
    sparse: { realSize, pieces: paired(lines.slice(1, 1 + 2 * count(lines, limit)), limit) },
    mapBytes,
  }
}

function count(lines: readonly string[], limit: number): number {
  const pieces = paxCount(Buffer.from(lines[0] ?? '', 'latin1'), 'sparse count')
  if (pieces > limit) throw tooMany(limit)
  return pieces
}

function paired(numbers: readonly string[], limit: number): SparseMap['pieces'] {
  if (numbers.length / 2 > limit) throw tooMany(limit)
  if (numbers.length === 1 && numbers[0] === '') return []
  const values = numbers.map((number) => paxCount(Buffer.from(number, 'latin1'), 'sparse map'))
  if (values.length % 2 !== 0)
    throw new ImpoundError('integrity', 'tar: a sparse map has an offset without a length')
  const pieces = []
  for (let index = 0; index < values.length; index += 2) {
    pieces.push({ offset: values[index] ?? 0, length: values[index + 1] ?? 0 })
  }
  return pieces
}

/** Throws `integrity` unless the pieces ascend, lie within the file and add up to what is stored. */
export function checkSparse(sparse: SparseMap, stored: number): void {
  let end = 0
  let sum = 0
  for (const { offset, length } of sparse.pieces) {
    if (offset < end || length < 0)
      throw new ImpoundError('integrity', 'tar: the pieces of a sparse file overlap')
    end = offset + length
    sum += length
  }
  if (end > sparse.realSize || sum !== stored) {
    throw new ImpoundError('integrity', 'tar: the map of a sparse file does not fit its content')
  }
}

function tooMany(limit: number): ImpoundError {
  return new ImpoundError('too-big', `tar: a sparse file of more than ${limit} pieces`)
}

/** A file's bytes as a reader of the file sees them: the stored pieces with zeros between, up to its real size. */
export async function* expandSparse(
  sparse: SparseMap,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  const pieces = sparse.pieces.filter(({ length }) => length > 0)
  let index = 0
  let within = 0
  let position = 0
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length;) {
      const piece = pieces[index]
      if (piece === undefined)
        throw new ImpoundError('integrity', 'tar: a sparse file has more content than its map')
      yield* zeros(piece.offset + within - position)
      const slice = chunk.subarray(at, at + piece.length - within)
      yield slice
      at += slice.length
      within += slice.length
      position = piece.offset + within
      if (within === piece.length) {
        index += 1
        within = 0
      }
    }
  }
  yield* zeros(sparse.realSize - position)
}

const HOLE = Buffer.alloc(64 << 10)

function* zeros(count: number): Generator<Buffer, void, undefined> {
  for (let left = count; left > 0; left -= HOLE.length) yield HOLE.subarray(0, Math.min(left, HOLE.length))
}
