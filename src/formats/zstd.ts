import { constants, createZstdDecompress } from 'node:zlib'

import { ImpoundError, messageOf } from '../model/errors.js'
import { ByteReader } from './byte-reader.js'
import { checkExpansion, EXPANSION, withinOutput, type ExpansionLimits } from './expansion.js'
import { Inflater } from './inflater.js'
import { readTrailing, type Trailing } from './trailing.js'
import { blockLimit, frameKind, readBlock, readFrameHeader, type ZstdFrameHeader } from './zstd-frame.js'

/** A block of 4 bytes may hold 128 KiB, so a ratio of 32,768 is possible. */
export interface ZstdLimits extends ExpansionLimits {
  /** Skippable ones too. */
  readonly frames: number
  /** What one frame may make its reader hold. At most 2 GiB, as zstd itself. */
  readonly windowBytes: number
}

/** The window is that of `zstd --long` and `--ultra -22`, and the most that zstd reads without being asked to. */
const DEFAULTS: ZstdLimits = { ...EXPANSION, frames: 1 << 24, windowBytes: 128 << 20 }

/** How a zstd stream ended. Anything but a whole last frame is thrown. */
export interface ZstdEnd {
  /** Frames with content. */
  readonly frames: number
  /** Those of them without a checksum: a wrong byte in one may not have been seen. */
  readonly unchecked: number
  /** Frames that every decoder passes over, and the bytes that could hide in them. */
  readonly skipped: { readonly frames: number; readonly bytes: number }
  /** Up to the end of the last frame. */
  readonly bytes: number
  readonly outputBytes: number
  /** What follows the last frame: zstd refuses it. */
  readonly trailing: Trailing
}

const OUTPUT_CHUNK = 256 << 10
/** Given to the decoder at once; at most 128 KiB each come back before they are passed on. */
const BLOCKS_AT_ONCE = 8

/**
 * Inflates zstd frames (RFC 8878) one after the other. It finds each frame's end by itself, as node:zlib drops frames
 * that begin within what it was given, and holds a window and a mebibyte whatever a frame's size. Returns how it ended,
 * after reading the source to its end. Throws `cut` where the source ends within a frame, `integrity` where bytes are wrong
 * or a dictionary is needed, `too-big` past a limit; errors of the source as they are.
 */
export async function* readZstd(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<ZstdLimits> = {},
): AsyncGenerator<Buffer, ZstdEnd, undefined> {
  const bounds: ZstdLimits = { ...DEFAULTS, ...limits }
  const reader = new ByteReader(source, 'the zstd file', bounds.storedBytes)
  const inflater = new Inflater(
    createZstdDecompress({
      chunkSize: OUTPUT_CHUNK,
      params: { [constants.ZSTD_d_windowLogMax]: windowLog(bounds.windowBytes) },
    }),
  )
  try {
    const skipped = { frames: 0, bytes: 0 }
    let [frames, unchecked, outputBytes] = [0, 0, 0]
    for (;;) {
      const bytes = reader.position
      const magic = await reader.upTo(4)
      const kind = frameKind(magic)
      if (kind === 'none') {
        if (bytes === 0) throw new ImpoundError('integrity', 'this is no zstd file')
        const trailing = await readTrailing(reader, magic)
        return { frames, unchecked, skipped, bytes, outputBytes, trailing }
      }
      if (kind === 'cut' || (kind === 'end' && bytes === 0)) throw cutBetween(bytes, magic)
      if (kind === 'end') {
        return { frames, unchecked, skipped, bytes, outputBytes, trailing: { bytes: 0, zero: true } }
      }
      if (frames + skipped.frames >= bounds.frames)
        throw new ImpoundError('too-big', `zstd: more than ${bounds.frames} frames`)
      if (kind === 'skippable') {
        skipped.frames += 1
        skipped.bytes += await skipFrame(reader)
        continue
      }
      const header = await readFrameHeader(reader, magic)
      checkHeader(header, outputBytes, bounds)
      for await (const chunk of inflateFrame(reader, header, inflater, bytes)) {
        const allowed = withinOutput(chunk, outputBytes, bounds)
        if (allowed.length > 0) yield allowed
        outputBytes += chunk.length
        checkExpansion('zstd', outputBytes, reader.position, bounds)
      }
      frames += 1
      if (!header.hasChecksum) unchecked += 1
    }
  } finally {
    inflater.close()
    await reader.close()
  }
}

async function* inflateFrame(
  reader: ByteReader,
  header: ZstdFrameHeader,
  inflater: Inflater,
  start: number,
): AsyncGenerator<Buffer, void, undefined> {
  const most = blockLimit(header)
  let length = 0
  let stored = [header.raw]
  for (let isLast = false; !isLast;) {
    for (let blocks = 0; blocks < BLOCKS_AT_ONCE && !isLast; blocks += 1) {
      const block = await readBlock(reader, most)
      stored.push(block.raw)
      isLast = block.isLast
    }
    if (isLast && header.hasChecksum) stored.push(await reader.exactly(4))
    for (const chunk of await inflated(inflater, Buffer.concat(stored), start)) {
      length += chunk.length
      yield chunk
    }
    stored = []
  }
  if (header.contentBytes !== undefined && header.contentBytes !== length)
    throw new ImpoundError(
      'integrity',
      `zstd: the frame at byte ${start} has ${length} bytes and says ${header.contentBytes}`,
    )
}

async function inflated(inflater: Inflater, stored: Buffer, start: number): Promise<readonly Buffer[]> {
  const step = await inflater.feed(stored).catch((cause: unknown) => {
    throw new ImpoundError(
      'integrity',
      `zstd: the frame at byte ${start} can't be inflated: ${messageOf(cause)}`,
      { cause },
    )
  })
  if (step.isOver)
    throw new ImpoundError('integrity', `zstd: the frame at byte ${start} ends before its last block`)
  return step.output
}

async function skipFrame(reader: ByteReader): Promise<number> {
  const bytes = (await reader.exactly(4)).readUInt32LE(0)
  await reader.skip(bytes)
  return bytes
}

function checkHeader(header: ZstdFrameHeader, outputBytes: number, bounds: ZstdLimits): void {
  if (header.windowBytes > bounds.windowBytes) {
    throw new ImpoundError(
      'too-big',
      `zstd: a frame asks for a window of ${header.windowBytes} bytes, the limit is ${bounds.windowBytes}`,
    )
  }
  checkExpansion('zstd', outputBytes + (header.contentBytes ?? 0), Infinity, bounds)
}

/** The decoder's own bound, a power of two from 2^10 to 2^31; the exact one was checked before. */
function windowLog(bytes: number): number {
  return Math.min(31, Math.max(10, Math.ceil(Math.log2(bytes))))
}

function cutBetween(offset: number, magic: Buffer): ImpoundError {
  return magic.length === 0
    ? new ImpoundError('cut', 'the zstd file is empty')
    : new ImpoundError('cut', `the zstd file ends within the first bytes of the frame at byte ${offset}`)
}
