import { crc32, createInflateRaw, type InflateRaw } from 'node:zlib'

import { ImpoundError, messageOf } from '../model/errors.js'
import { ByteReader } from './byte-reader.js'
import { readGzipHeader } from './gzip-header.js'

export interface GzipLimits {
  readonly members: number
  /** Of all members together, inflated. */
  readonly outputBytes: number
  /** Inflated to stored, once 16 MiB have been inflated. Deflate itself can't pass 1032, which a file of zeros reaches. */
  readonly ratio: number
}

const DEFAULTS: GzipLimits = { members: 1 << 24, outputBytes: 2 ** 42, ratio: Infinity }

/** How a gzip stream ended. Anything but a whole last member is thrown. */
export interface GzipEnd {
  readonly members: number
  /** Up to the end of the last member. */
  readonly bytes: number
  readonly outputBytes: number
  /** What follows the last member: gunzip passes over zeros in silence and warns of the rest. */
  readonly trailing: { readonly bytes: number; readonly zero: boolean }
}

/** Stored bytes given to the inflater at once; at most 1032 times as many come back before they are passed on. */
const SLICE = 32 << 10
const OUTPUT_CHUNK = 256 << 10
const RATIO_FROM = 16 << 20

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
  const reader = new ByteReader(source, 'the gzip file')
  try {
    let outputBytes = 0
    for (let members = 0; ; members += 1) {
      const bytes = reader.position
      const magic = await reader.upTo(2)
      const isMember = magic[0] === 0x1f && magic[1] === 0x8b
      if (!isMember) {
        if (members === 0) throw notGzip(magic)
        return { members, bytes, outputBytes, trailing: await trailing(reader, magic) }
      }
      if (members >= bounds.members)
        throw new ImpoundError('too-big', `gzip: more than ${bounds.members} members`)
      await readGzipHeader(reader, magic)
      for await (const chunk of inflateMember(reader)) {
        outputBytes += chunk.length
        checkSize(outputBytes, reader.position, bounds)
        yield chunk
      }
    }
  } finally {
    await reader.close()
  }
}

async function* inflateMember(reader: ByteReader): AsyncGenerator<Buffer, void, undefined> {
  const start = reader.position
  const inflate = new MemberInflater()
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

interface Step {
  readonly output: readonly Buffer[]
  readonly isOver: boolean
  /** The end of the slice that does not belong to the member. */
  readonly unused: Buffer
}

const NOTHING = Buffer.alloc(0)

/** One raw deflate stream that says where it ended. */
class MemberInflater {
  readonly #inflate: InflateRaw = createInflateRaw({ chunkSize: OUTPUT_CHUNK })
  #fed = 0
  #output: Buffer[] = []
  #settled: PromiseWithResolvers<boolean> | undefined

  constructor() {
    this.#inflate.on('data', (chunk: Buffer) => this.#output.push(chunk))
    this.#inflate.on('end', () => this.#settled?.resolve(true))
    this.#inflate.on('error', (error) => this.#settled?.reject(error))
  }

  /** node:zlib calls back when it wants more, or ends when it met the end of the stream, leaving the rest unread. */
  async feed(slice: Buffer): Promise<Step> {
    const settled = Promise.withResolvers<boolean>()
    this.#settled = settled
    this.#fed += slice.length
    this.#inflate.write(slice, (error) => {
      if (error === null || error === undefined) settled.resolve(false)
    })
    const isOver = await settled.promise
    const output = this.#output
    this.#output = []
    const unused = isOver ? slice.subarray(slice.length - (this.#fed - this.#inflate.bytesWritten)) : NOTHING
    return { output, isOver, unused }
  }

  close(): void {
    this.#inflate.destroy()
  }
}

function checkSize(outputBytes: number, storedBytes: number, bounds: GzipLimits): void {
  if (outputBytes > bounds.outputBytes) {
    throw new ImpoundError('too-big', `gzip: more than ${bounds.outputBytes} bytes when inflated`)
  }
  if (outputBytes > RATIO_FROM && outputBytes > storedBytes * bounds.ratio) {
    throw new ImpoundError('too-big', `gzip: inflates to more than ${bounds.ratio} times its size`)
  }
}

async function trailing(reader: ByteReader, first: Buffer): Promise<GzipEnd['trailing']> {
  let bytes = first.length
  let zero = first.every((byte) => byte === 0)
  for (let slice = await reader.some(); slice !== undefined; slice = await reader.some()) {
    bytes += slice.length
    zero &&= slice.every((byte) => byte === 0)
  }
  return { bytes, zero }
}

function notGzip(magic: Buffer): ImpoundError {
  return magic.length < 2
    ? new ImpoundError('cut', 'the gzip file is empty')
    : new ImpoundError('integrity', 'this is no gzip file')
}
