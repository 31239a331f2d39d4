import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { constants, zstdCompressSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { keepReturn } from '../../src/formats/keep-return.js'
import { readZstd, type ZstdEnd, type ZstdLimits } from '../../src/formats/zstd.js'
import { isCode } from '../../src/model/errors.js'
import { endless, inChunks } from './streams.js'
import { withZstd } from './system-tools.js'
import { blockBytes, frameHeader, skippableFrame, zstdBomb, zstdFrame, type Frame } from './zstd-fixtures.js'

async function inflated(
  source: Buffer | AsyncIterable<Uint8Array>,
  limits: Partial<ZstdLimits> = {},
): Promise<{ readonly content: Buffer; readonly end: ZstdEnd | undefined }> {
  const stream = keepReturn(readZstd(Buffer.isBuffer(source) ? inChunks(source, 1 << 16) : source, limits))
  const chunks: Buffer[] = []
  for await (const part of stream) chunks.push(part)
  return { content: Buffer.concat(chunks), end: stream.returned }
}

const CHECKED = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const HELLO = zstdCompressSync('hello', CHECKED)
const BLOCK = 128 << 10
const abc = { type: 'raw', content: Buffer.from('abc') } as const

/** Parts that compress well and parts that don't, so that every kind of block occurs. */
function words(length: number): Buffer {
  const noise = randomBytes(1 << 12)
  return Buffer.concat(
    Array.from({ length: Math.ceil(length / 10_000) }, (_, index) =>
      index % 3 === 0 ? randomBytes(10_000) : Buffer.alloc(10_000, noise.subarray(0, 1 + (index % 999))),
    ),
  ).subarray(0, length)
}

describe('reading zstd frames', () => {
  it('inflates frames one after the other, in chunks of any size', async () => {
    const part = fc.record({
      content: fc.uint8Array({ maxLength: 4000 }),
      isChecked: fc.boolean(),
      isSkippable: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 3000 }),
        async (parts, chunk) => {
          const bytes = Buffer.concat(
            parts.map(({ content, isChecked, isSkippable }, index) =>
              isSkippable
                ? skippableFrame(content, index)
                : zstdCompressSync(content, isChecked ? CHECKED : {}),
            ),
          )
          const frames = parts.filter(({ isSkippable }) => !isSkippable)
          const skipped = parts.filter(({ isSkippable }) => isSkippable)
          const { content, end } = await inflated(inChunks(bytes, chunk))
          expect(content).toEqual(Buffer.concat(frames.map((frame) => frame.content)))
          expect(end).toEqual({
            frames: frames.length,
            unchecked: frames.filter(({ isChecked }) => !isChecked).length,
            skipped: {
              frames: skipped.length,
              bytes: skipped.reduce((sum, frame) => sum + frame.content.length, 0),
            },
            bytes: bytes.length,
            outputBytes: content.length,
            trailing: { bytes: 0, zero: true },
          })
        },
      ),
      { numRuns: 150 },
    )
  })

  it('gives every one of many frames that are smaller than an output chunk', async () => {
    const frames = Array.from({ length: 800 }, (_, index) => Buffer.alloc(300, `frame ${index} `))
    const { content, end } = await inflated(Buffer.concat(frames.map((frame) => zstdCompressSync(frame))))
    expect(content.equals(Buffer.concat(frames))).toBe(true)
    expect(end?.frames).toBe(800)
  })

  it('inflates big frames whose blocks end anywhere in a chunk', async () => {
    const content = words(3 << 20)
    const bytes = Buffer.concat([zstdCompressSync(content, CHECKED), zstdCompressSync(content)])
    for (const chunk of [4093, 64 << 10, bytes.length]) {
      const read = await inflated(inChunks(bytes, chunk))
      expect(read.content.equals(Buffer.concat([content, content]))).toBe(true)
      expect(read.end).toMatchObject({ frames: 2, unchecked: 1 })
    }
  })

  it('reads a frame given byte by byte', async () => {
    const content = words(70_000)
    const read = await inflated(inChunks(zstdCompressSync(content, CHECKED), 1))
    expect(read.content.equals(content)).toBe(true)
  })

  withZstd.each([['-1'], ['-19'], ['--ultra', '-22'], ['--long=27'], ['--no-check'], ['-B1KiB', '-T2']])(
    'reads what the system zstd writes with %s',
    async (...options) => {
      const content = words(2 << 20)
      const packed = execFileSync('zstd', ['-q', '-c', ...options], { input: content, maxBuffer: 1 << 28 })
      const { content: read, end } = await inflated(Buffer.concat([packed, packed]))
      expect(createHash('sha256').update(read).digest('hex')).toBe(
        createHash('sha256').update(content).update(content).digest('hex'),
      )
      expect(end?.unchecked).toBe(options.includes('--no-check') ? 2 : 0)
    },
  )

  withZstd.each<[string, Buffer]>([
    ['hand-made blocks', zstdFrame({ window: 1024, blocks: [abc, { type: 'rle', byte: 0x78, times: 900 }] })],
    ['a single segment', zstdFrame({ contentBytes: 3, blocks: [abc] })],
    ['nothing', zstdFrame({ window: 1024, blocks: [{ type: 'raw', content: Buffer.alloc(0) }] })],
    ['a skippable frame', Buffer.concat([skippableFrame(Buffer.from('hidden'), 7), HELLO])],
  ])('reads a frame of %s as the system zstd does', async (_, bytes) => {
    const expected = execFileSync('zstd', ['-d', '-q', '-c'], { input: bytes })
    expect((await inflated(inChunks(bytes, 1))).content).toEqual(expected)
  })
})

describe('the end of a zstd file', () => {
  it('tells every cut as a cut', async () => {
    const second = skippableFrame(Buffer.alloc(40))
    const ends = [HELLO.length, HELLO.length + second.length]
    const bytes = Buffer.concat([HELLO, second, zstdCompressSync(words(20_000), CHECKED)])
    for (let length = 0; length < bytes.length; length += length < 100 ? 1 : 97) {
      const outcome = inflated(bytes.subarray(0, length))
      if (ends.includes(length)) expect((await outcome).end).toMatchObject({ frames: 1, bytes: length })
      else await expect(outcome).rejects.toMatchObject({ code: 'cut' })
    }
  })

  it.each([
    ['zeros', Buffer.alloc(99), true],
    ['one zero', Buffer.alloc(1), true],
    ['junk', Buffer.from('junk'), false],
    ['what is nearly a frame', Buffer.from([0x28, 0xb5, 0x2f, 0xfc]), false],
  ])('says that %s follow', async (_, tail, zero) => {
    const { content, end } = await inflated(inChunks(Buffer.concat([HELLO, tail]), 3))
    expect(content.toString()).toBe('hello')
    expect(end).toMatchObject({ frames: 1, bytes: HELLO.length, trailing: { bytes: tail.length, zero } })
  })
})

describe('a zstd file that lies', () => {
  it('never gives other bytes as whole after one bit of a checked frame was flipped', async () => {
    const original = Buffer.from('evidence, and more evidence, and yet more evidence')
    const bytes = zstdCompressSync(original, CHECKED)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (offset, bit) => {
        const flipped = Buffer.from(bytes)
        flipped[offset] = (flipped[offset] ?? 0) ^ (1 << bit)
        const outcome = await inflated(flipped).then(
          ({ content, end }) =>
            content.equals(original) && end?.trailing.bytes === 0 ? 'same' : `other: ${end?.unchecked ?? ''}`,
          (error: unknown) => (isCode(error, 'integrity', 'cut', 'too-big') ? 'refused' : String(error)),
        )
        // The checksum flag takes the checksum away; then the four bytes of it are left over and it is said.
        expect(['same', 'refused', 'other: 1']).toContain(outcome)
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, Buffer, string]>([
    ['text', Buffer.from('no zstd at all'), 'integrity'],
    ['nothing', Buffer.alloc(0), 'cut'],
    ['a reserved bit', zstdFrame({ window: 1024, reservedBit: true, blocks: [abc] }), 'integrity'],
    ['a dictionary', zstdFrame({ window: 1024, dictionary: 7, blocks: [abc] }), 'integrity'],
    ['a block of no type', zstdFrame({ window: 1024, blocks: [abc, { type: 'reserved' }] }), 'integrity'],
    [
      'a block greater than its window',
      zstdFrame({ window: 1024, blocks: [{ type: 'raw', content: Buffer.alloc(1025) }] }),
      'integrity',
    ],
    [
      'a block greater than its window, before it is there',
      zstdFrame({ window: 1024, blocks: [{ type: 'raw', content: Buffer.alloc(9), size: 1025 }] }),
      'integrity',
    ],
    [
      'a run greater than its window',
      zstdFrame({ window: 1024, blocks: [{ type: 'rle', byte: 0, times: 1025 }] }),
      'integrity',
    ],
    [
      'noise as a compressed block',
      zstdFrame({ window: 1024, blocks: [{ type: 'compressed', content: Buffer.alloc(99, 0xff) }] }),
      'integrity',
    ],
    ['less content than it says', zstdFrame({ window: 1024, contentBytes: 4, blocks: [abc] }), 'integrity'],
    ['more content than it says', zstdFrame({ window: 1024, contentBytes: 2, blocks: [abc] }), 'integrity'],
    ['a wrong checksum', zstdFrame({ window: 1024, checksum: Buffer.alloc(4), blocks: [abc] }), 'integrity'],
    ['a window of 2^41 bytes', zstdFrame({ window: 2 ** 41, blocks: [abc] }), 'too-big'],
    ['a window past the limit', zstdFrame({ window: 2 ** 28, blocks: [abc] }), 'too-big'],
    ['a segment past the limit', zstdFrame({ contentBytes: (128 << 20) + 1, blocks: [abc] }), 'too-big'],
    ['a promised exabyte', zstdFrame({ window: 1024, contentBytes: 2n ** 60n, blocks: [abc] }), 'too-big'],
    ['a skippable frame that is not there', skippableFrame(Buffer.alloc(9), 3, 0xffffffff), 'cut'],
  ])('is refused for %s', async (_, bytes, code) => {
    await expect(inflated(bytes)).rejects.toMatchObject({ code })
    await expect(inflated(inChunks(bytes, 1))).rejects.toMatchObject({ code })
  })

  it('reads a wide window where it is allowed', async () => {
    const bytes = zstdFrame({ window: 2 ** 28, blocks: [abc] })
    expect((await inflated(bytes, { windowBytes: 2 ** 28 })).content.toString()).toBe('abc')
  })

  it.each<[string, Partial<ZstdLimits>]>([
    ['bytes', { outputBytes: 100_000 }],
    ['ratio', { ratio: 100 }],
    ['frames', { frames: 0 }],
    ['stored bytes', { storedBytes: 1000 }],
  ])('is stopped as a bomb at its limit of %s', async (_, limits) => {
    await expect(inflated(zstdBomb(400), limits)).rejects.toMatchObject({ code: 'too-big' })
  })

  const open: Omit<Frame, 'blocks'> = { window: 1024, isOpen: true }
  it.each<[string, Partial<ZstdLimits>, Buffer, Buffer]>([
    ['empty frames', { frames: 500 }, Buffer.alloc(0), zstdCompressSync('')],
    ['skippable frames', { frames: 500 }, Buffer.alloc(0), skippableFrame(Buffer.alloc(0))],
    [
      'empty blocks',
      { storedBytes: 50_000 },
      frameHeader(open),
      blockBytes({ type: 'raw', content: Buffer.alloc(0) }, false),
    ],
    [
      'full blocks',
      { outputBytes: 1 << 20 },
      frameHeader(open),
      blockBytes({ type: 'rle', byte: 1, times: 1024 }, false),
    ],
    ['zeros after its end', { storedBytes: 50_000 }, HELLO, Buffer.alloc(512)],
  ])('is stopped where %s never end', async (_, limits, head, again) => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield head
      yield* endless(again)
    }
    await expect(inflated(source(), limits)).rejects.toMatchObject({ code: 'too-big' })
  })
})

describe('a zstd file as it streams', () => {
  it('holds neither a big frame nor what it inflates to', async () => {
    const blocks = 16_384
    const before = process.memoryUsage().arrayBuffers
    let [length, peak, greatest] = [0, 0, 0]
    for await (const chunk of readZstd(inChunks(zstdBomb(blocks), 64 << 10))) {
      length += chunk.length
      greatest = Math.max(greatest, chunk.length)
      peak = Math.max(peak, process.memoryUsage().arrayBuffers - before)
    }
    expect(length).toBe(blocks * BLOCK)
    expect(greatest).toBeLessThanOrEqual(256 << 10)
    // Output that waits for the garbage collector counts here; all of it would be 2 GiB
    expect(peak).toBeLessThan(1 << 30)
  })

  it('is never more than eight blocks ahead of its reader', async () => {
    let pulled = 0
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(zstdBomb(200), 4)) {
        pulled += chunk.length
        yield chunk
      }
    }
    let length = 0
    for await (const chunk of readZstd(source())) {
      // A block is four bytes, the header of the frame six
      expect((pulled / 4) * BLOCK - length).toBeLessThanOrEqual(10 * BLOCK)
      length += chunk.length
    }
    expect(length).toBe(200 * BLOCK)
  })

  it('reads no further than its reader wants', async () => {
    let pulled = 0
    const packed = zstdCompressSync(randomBytes(16 << 20))
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of inChunks(packed, 64 << 10)) {
        pulled += chunk.length
        yield chunk
      }
    }
    for await (const chunk of readZstd(source())) {
      expect(chunk.length).toBeGreaterThan(0)
      break
    }
    expect(pulled).toBeLessThan(2 << 20)
  })

  it('passes on what the source throws', async () => {
    const fault = new Error('the disk is gone')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield HELLO.subarray(0, 7)
      throw fault
    }
    await expect(inflated(source())).rejects.toBe(fault)
  })
})
