import { ImpoundError } from '../model/errors.js'
import type { ByteReader } from './byte-reader.js'

/** What a frame says of itself before its blocks (RFC 8878, 3.1.1.1). */
export interface ZstdFrameHeader {
  /** With the magic number, as stored. */
  readonly raw: Buffer
  /** What a decoder must hold of the past. */
  readonly windowBytes: number
  /** Undefined where the writer did not know it. */
  readonly contentBytes: number | undefined
  /** Whether the low half of an XXH64 of the content follows the last block. */
  readonly hasChecksum: boolean
}

export interface ZstdBlock {
  /** With its header, as stored. */
  readonly raw: Buffer
  readonly isLast: boolean
}

const FRAME = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** After a first byte from 0x50 to 0x5f. */
const SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18])

/** What comes next: a frame, one to pass over, either of them cut, something else, or nothing. */
export type FrameKind = 'frame' | 'skippable' | 'cut' | 'none' | 'end'

/** Of the next four bytes; fewer than four are the last ones of the source. */
export function frameKind(magic: Buffer): FrameKind {
  if (magic.length === 0) return 'end'
  const isFrame = magic.equals(FRAME.subarray(0, magic.length))
  const isSkippable =
    (magic[0] ?? 0) >> 4 === 5 && magic.subarray(1).equals(SKIPPABLE.subarray(0, magic.length - 1))
  if (!isFrame && !isSkippable) return 'none'
  if (magic.length < 4) return 'cut'
  return isFrame ? 'frame' : 'skippable'
}

const SINGLE_SEGMENT = 0x20
const RESERVED = 0x08
const CHECKSUM = 0x04
const DICTIONARY_BYTES = [0, 1, 2, 4] as const
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const

/** Reads a frame's header after its magic number. Throws `integrity`, `cut`. */
export async function readFrameHeader(reader: ByteReader, magic: Buffer): Promise<ZstdFrameHeader> {
  const descriptor = await reader.exactly(1)
  const flags = descriptor[0] ?? 0
  if ((flags & RESERVED) !== 0)
    throw new ImpoundError('integrity', 'zstd: a reserved bit is set in a frame header')
  const isSingle = (flags & SINGLE_SEGMENT) !== 0
  const window = await reader.exactly(isSingle ? 0 : 1)
  const dictionary = await reader.exactly(DICTIONARY_BYTES[flags & 3] ?? 0)
  if (dictionary.some((byte) => byte !== 0))
    throw new ImpoundError(
      'integrity',
      'zstd: a frame asks for a dictionary, which no archive and no layer has',
    )
  const sizeFlag = flags >> 6
  const size = await reader.exactly(sizeFlag === 0 && isSingle ? 1 : (CONTENT_SIZE_BYTES[sizeFlag] ?? 0))
  const contentBytes = size.length === 0 ? undefined : contentSize(size)
  return {
    raw: Buffer.concat([magic, descriptor, window, dictionary, size]),
    windowBytes: window[0] === undefined ? (contentBytes ?? 0) : windowSize(window[0]),
    contentBytes,
    hasChecksum: (flags & CHECKSUM) !== 0,
  }
}

/** Five bits of exponent, three of mantissa: 1 KiB to 3.75 TiB. */
function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** Past 2^53 the number is not exact; nothing of that size is ever read. */
function contentSize(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE(0))
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0)
}

const MAX_BLOCK = 128 << 10
const RLE = 1
const RESERVED_TYPE = 3

/** The most that a block of the frame may take, and give. */
export function blockLimit(header: ZstdFrameHeader): number {
  return Math.min(header.windowBytes, MAX_BLOCK)
}

/** Reads one block as it is stored (RFC 8878, 3.1.1.2). Throws `integrity` where it is greater than `most`, `cut`. */
export async function readBlock(reader: ByteReader, most: number): Promise<ZstdBlock> {
  const offset = reader.position
  const header = await reader.exactly(3)
  const fields = header.readUIntLE(0, 3)
  const type = (fields >> 1) & 3
  const size = fields >> 3
  if (type === RESERVED_TYPE)
    throw new ImpoundError('integrity', `zstd: the block at byte ${offset} is of no known type`)
  if (size > most) {
    throw new ImpoundError(
      'integrity',
      `zstd: the block at byte ${offset} has ${size} bytes, its frame allows ${most}`,
    )
  }
  const body = await reader.exactly(type === RLE ? 1 : size)
  return { raw: Buffer.concat([header, body]), isLast: (fields & 1) === 1 }
}
