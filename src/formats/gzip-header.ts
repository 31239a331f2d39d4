import { crc32 } from 'node:zlib'

import { ImpoundError } from '../model/errors.js'
import type { ByteReader } from './byte-reader.js'

const HEADER_CRC = 2
const EXTRA = 4
const NAME = 8
const COMMENT = 16
const RESERVED = 0xe0
const MAX_TEXT = 64 << 10

/** Passes over a member's header after its two magic bytes (RFC 1952, 2.3). Throws `integrity`, `cut`, `too-big`. */
export async function readGzipHeader(reader: ByteReader, magic: Buffer): Promise<void> {
  const fixed = await reader.exactly(8)
  const flags = fixed[1] ?? 0
  if (fixed[0] !== 8)
    throw new ImpoundError('integrity', `gzip: unknown compression method ${fixed[0] ?? ''}`)
  if ((flags & RESERVED) !== 0) throw new ImpoundError('integrity', 'gzip: reserved flags are set')
  const parts = [magic, fixed]
  if ((flags & EXTRA) !== 0) {
    const length = await reader.exactly(2)
    parts.push(length, await reader.exactly(length.readUInt16LE(0)))
  }
  if ((flags & NAME) !== 0) parts.push(await zeroTerminated(reader))
  if ((flags & COMMENT) !== 0) parts.push(await zeroTerminated(reader))
  if ((flags & HEADER_CRC) !== 0) {
    const stored = (await reader.exactly(2)).readUInt16LE(0)
    if (stored !== (crc32(Buffer.concat(parts)) & 0xffff)) {
      throw new ImpoundError('integrity', 'gzip: a header does not match its checksum')
    }
  }
}

async function zeroTerminated(reader: ByteReader): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let length = 0; length < MAX_TEXT;) {
    const slice = await reader.some(MAX_TEXT - length)
    if (slice === undefined) throw new ImpoundError('cut', 'the gzip file ends within a header')
    const end = slice.indexOf(0)
    if (end !== -1) {
      reader.unread(slice.subarray(end + 1))
      parts.push(slice.subarray(0, end + 1))
      return Buffer.concat(parts)
    }
    parts.push(slice)
    length += slice.length
  }
  throw new ImpoundError('too-big', `gzip: a name of more than ${MAX_TEXT} bytes`)
}
