import { crc32, createInflateRaw } from 'node:zlib'

import { ImpoundError, messageOf } from '../model/errors.js'
import { ByteReader } from './byte-reader.js'
import { checkExpansion, EXPANSION, withinOutput, type ExpansionLimits } from './expansion.js'
import { readGzipHeader } from './gzip-header.js'
import { Inflater } from './inflater.js'
import { readTrailing, type Trailing } from './trailing.js'

/** Deflate itself can't pass a ratio of 1032, which a file of zeros reaches. */
export interface GzipLimits extends ExpansionLimits {
  readonly members: number
}

const DEFAULTS: GzipLimits = { ...EXPANSION, members: 1 << 24 }

/** How a gzip stream ended. Anything but a whole last member is thrown. */
export interface GzipEnd {
  readonly members: number
  /** Up to the end of the last member. */
  readonly bytes: number
  readonly outputBytes: number
  /** What follows the last member: gunzip passes over zeros in silence and warns of the rest. */
  readonly trailing: Trailing
}

const MAGIC = Buffer.from([0x1f, 0x8b])
/** Stored bytes given to the inflater at once; at most 1032 times as many come back before they are passed on. */
const SLICE = 32 << 10
const OUTPUT_CHUNK = 256 << 10

/**
 * Inflates gzip members (RFC 1952) one after the other, checking every header, CRC-32 and length, which node:zlib does
 * not let us see. Returns how it ended, after reading the source to its end. Throws `cut` where the source ends within
 * a member, `integrity` where bytes are wrong, `too-big` past a limit; errors of the source as they are.
 */
export async function* readGzip(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<GzipLimits> = {},
): AsyncGenerator<Buffer, GzipEnd, undefined> {
  const bounds: GzipLimits = { ...DEFAULTS, ...limits }
  const reader = new ByteReader(source, 'the gzip file', bounds.storedBytes)
  try {
    let outputBytes = 0
    for (let members = 0; ; members += 1) {
      const bytes = reader.position
      const magic = await reader.upTo(2)
      const isMember = magic.equals(MAGIC)
      if (!isMember) {
        if (members === 0) throw notGzip(magic)
        if (magic.length === 1 && magic[0] === MAGIC[0]) throw cutMagic(bytes)
        return { members, bytes, outputBytes, trailing: await readTrailing(reader, magic) }
      }
      if (members >= bounds.members)
        throw new ImpoundError('too-big', `gzip: more than ${bounds.members} members`)
      await readGzipHeader(reader, magic)
      for await (const chunk of inflateMember(reader)) {
        const allowed = withinOutput(chunk, outputBytes, bounds)
        if (allowed.length > 0) yield allowed
        outputBytes += chunk.length
        checkExpansion('gzip', outputBytes, reader.position, bounds)
      }
    }
  } finally {
    await reader.close()
  }
}

async function* inflateMember(reader: ByteReader): AsyncGenerator<Buffer, void, undefined> {
  const start = reader.position
  const inflate = new Inflater(createInflateRaw({ chunkSize: OUTPUT_CHUNK }))
  try {
    let crc = 0
    let length = 0
    for (let isOver = false; !isOver;) {
      const slice = await reader.some(SLICE)
      if (slice === undefined) {
        throw new ImpoundError('cut', `the gzip file ends within the member at byte ${start}`)
      }
      const step = await inflate.feed(slice).catch((cause: unknown) => {
        throw new ImpoundError(
          'integrity',
          `gzip: the member at byte ${start} can't be inflated: ${messageOf(cause)}`,
          { cause },
        )
      })
      isOver = step.isOver
      reader.unread(step.unused)
      for (const chunk of step.output) {
        crc = crc32(chunk, crc)
        length += chunk.length
        yield chunk
      }
    }
    const trailer = await reader.exactly(8)
    if (trailer.readUInt32LE(0) !== crc || trailer.readUInt32LE(4) !== length % 2 ** 32) {
      throw new ImpoundError('integrity', `gzip: the member at byte ${start} does not match its checksum`)
    }
  } finally {
    inflate.close()
  }
}

function notGzip(magic: Buffer): ImpoundError {
  if (magic.length === 0) return new ImpoundError('cut', 'the gzip file is empty')
  return magic.equals(MAGIC.subarray(0, 1))
    ? cutMagic(0)
    : new ImpoundError('integrity', 'this is no gzip file')
}

function cutMagic(offset: number): ImpoundError {
  return new ImpoundError('cut', `the gzip file ends within the first bytes of the member at byte ${offset}`)
}
