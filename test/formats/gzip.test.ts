import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { deflateRawSync, gzipSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { keepReturn } from '../../src/formats/keep-return.js'
import { readGzip, type GzipEnd, type GzipLimits } from '../../src/formats/gzip.js'
import { isCode } from '../../src/model/errors.js'
import { inChunks, passing } from './streams.js'
import { withGzip } from './system-tools.js'

async function inflated(
  bytes: Buffer,
  chunk = 1 << 16,
  limits: Partial<GzipLimits> = {},
): Promise<{ readonly content: Buffer; readonly end: GzipEnd | undefined }> {
  // chunks that are written over, as those of a file
  const stream = keepReturn(readGzip(passing(inChunks(bytes, chunk)), limits))
  const chunks: Buffer[] = []
  for await (const part of stream) chunks.push(part)
  return { content: Buffer.concat(chunks), end: stream.returned }
}

const HELLO = gzipSync('hello')

describe('reading gzip members', () => {
  it('inflates members one after the other, in chunks of any size', async () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 4000 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(parts, fc.integer({ min: 1, max: 3000 }), async (contents, chunk) => {
        const bytes = Buffer.concat(contents.map((content) => gzipSync(content)))
        const { content, end } = await inflated(bytes, chunk)
        expect(content).toEqual(Buffer.concat(contents))
        expect(end).toEqual({
          members: contents.length,
          bytes: bytes.length,
          outputBytes: content.length,
          trailing: { bytes: 0, zero: true },
        })
      }),
      { numRuns: 150 },
    )
  })

  it('inflates members of a megabyte whose ends fall anywhere in a chunk', async () => {
    const noise = Buffer.from(Array.from({ length: 1 << 16 }, (_, index) => (index * index) % 251))
    const block = Buffer.concat(Array.from({ length: 16 }, () => noise))
    const bytes = Buffer.concat([block, block, block].map((content) => gzipSync(content)))
    for (const chunk of [4093, 32 << 10, 65_537]) {
      const { content, end } = await inflated(bytes, chunk)
      expect(content.equals(Buffer.concat([block, block, block]))).toBe(true)
      expect(end?.members).toBe(3)
    }
  })

  withGzip.each([['--name'], ['--no-name'], ['-1'], ['-9']])(
    'reads what the system gzip writes with %s',
    async (option) => {
      const packed = execFileSync('gzip', ['-c', option, import.meta.filename])
      const { content, end } = await inflated(Buffer.concat([packed, packed]), 1)
      expect(content.toString()).toBe(readFileSync(import.meta.filename, 'utf8').repeat(2))
      expect(end?.members).toBe(2)
    },
  )

  it('reads a header with all that RFC 1952 allows', async () => {
    const body = deflateRawSync('x')
    const trailer = Buffer.from([0x83, 0x16, 0xdc, 0x8c, 1, 0, 0, 0])
    const header = Buffer.from([0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 7, 7, 7, 0x6e, 0, 0x63, 0])
    expect((await inflated(Buffer.concat([header, body, trailer]), 1)).content.toString()).toBe('x')
  })

  it('sees what follows the last member, zeros as well', async () => {
    expect((await inflated(Buffer.concat([HELLO, Buffer.alloc(99)]))).end?.trailing).toEqual({
      bytes: 99,
      zero: true,
    })
    const junk = await inflated(Buffer.concat([HELLO, Buffer.from('junk')]), 3)
    expect(junk.content.toString()).toBe('hello')
    expect(junk.end).toMatchObject({ members: 1, bytes: HELLO.length, trailing: { bytes: 4, zero: false } })
  })

  it('tells every cut as a cut', async () => {
    const bytes = Buffer.concat([HELLO, gzipSync(Buffer.alloc(5000, 'words '))])
    for (let length = 0; length < bytes.length; length += 1) {
      const outcome = inflated(bytes.subarray(0, length))
      if (length === HELLO.length) expect((await outcome).end?.members).toBe(1)
      else await expect(outcome).rejects.toMatchObject({ code: 'cut' })
    }
  })

  it('never gives other bytes as whole after one bit was flipped', async () => {
    const original = Buffer.from('evidence, and more evidence, and yet more')
    const bytes = gzipSync(original)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (offset, bit) => {
        const flipped = Buffer.from(bytes)
        flipped[offset] = (flipped[offset] ?? 0) ^ (1 << bit)
        const outcome = await inflated(flipped).then(
          ({ content, end }) => (content.equals(original) && end?.trailing.bytes === 0 ? 'same' : 'other'),
          (error: unknown) => (isCode(error, 'integrity', 'cut') ? 'refused' : String(error)),
        )
        // Header times and the bits that fill the last byte of deflate mean nothing: 'same' is right there.
        expect(['same', 'refused']).toContain(outcome)
      }),
      { numRuns: 500 },
    )
  })

  it.each<[string, Partial<GzipLimits>]>([
    ['bytes', { outputBytes: 100_000 }],
    ['ratio', { ratio: 100 }],
    ['members', { members: 0 }],
  ])('stops a bomb at the limit of %s', async (_, limits) => {
    const bomb = gzipSync(Buffer.alloc(40 << 20))
    await expect(inflated(bomb, 1 << 16, limits)).rejects.toMatchObject({ code: 'too-big' })
  })

  it.each([
    ['text', Buffer.from('no gzip'), 'integrity'],
    ['nothing', Buffer.alloc(0), 'cut'],
    ['an unknown method', Buffer.from([0x1f, 0x8b, 9, 0, 0, 0, 0, 0, 0, 0]), 'integrity'],
    ['reserved flags', Buffer.from([0x1f, 0x8b, 8, 0x80, 0, 0, 0, 0, 0, 0]), 'integrity'],
    [
      'an endless name',
      Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0]), Buffer.alloc(99_999, 1)]),
      'too-big',
    ],
    ['a wrong header checksum', Buffer.from([0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 0, 1, 2]), 'integrity'],
  ])('refuses %s', async (_, bytes, code) => {
    await expect(inflated(bytes)).rejects.toMatchObject({ code })
  })

  it('passes on what the source throws', async () => {
    const fault = new Error('the disk is gone')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield HELLO.subarray(0, 12)
      throw fault
    }
    const reading = async (): Promise<void> => {
      for await (const chunk of readGzip(source())) expect(chunk.length).toBeGreaterThan(0)
    }
    await expect(reading()).rejects.toBe(fault)
  })
})
