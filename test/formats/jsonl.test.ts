import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { readLines, type Line, type LineLimits } from '../../src/formats/jsonl.js'
import { inChunks } from './streams.js'

async function linesOf(
  bytes: Buffer,
  chunk: number,
  limits: Partial<LineLimits> = {},
): Promise<readonly Line[]> {
  const lines: Line[] = []
  for await (const line of readLines(inChunks(bytes, chunk), limits)) lines.push(line)
  return lines
}

describe('reading lines', () => {
  it('gives back all bytes, split at newlines alone, in chunks of any size', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\u2028', 'é'), maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 70 }), async (content, chunk) => {
        const lines = await linesOf(Buffer.from(content), chunk)
        expect(Buffer.concat(lines.map(({ raw }) => raw)).toString()).toBe(content)
        const texts = content.split('\n')
        if (texts.at(-1) === '') texts.pop()
        expect(lines.map(({ text: line }) => line.toString())).toEqual(texts)
        expect(lines.map(({ index }) => index)).toEqual(texts.map((_, index) => index))
        expect(lines.map(({ torn }) => torn)).toEqual(
          texts.map((_, index) => index === texts.length - 1 && !content.endsWith('\n')),
        )
      }),
    )
  })

  it('gives a long line that comes byte by byte as one that comes whole', async () => {
    const bytes = Buffer.from(`${'0123456789'.repeat(1000)}\nshort\n${'x'.repeat(3000)}`)
    expect(await linesOf(bytes, 1)).toEqual(await linesOf(bytes, bytes.length))
    expect((await linesOf(bytes, 1)).map(({ text }) => text.length)).toEqual([10_000, 5, 3000])
  })

  it('does not hold a slice for every byte of a line', async () => {
    const before = process.memoryUsage().heapUsed
    let held = 0
    const slices = async function* (): AsyncGenerator<Uint8Array> {
      const byte = Buffer.from('x')
      for (let count = 0; count < 1 << 20; count += 1) yield byte
      held = process.memoryUsage().heapUsed - before
    }
    let length = 0
    for await (const { raw } of readLines(slices())) length += raw.length
    expect(length).toBe(1 << 20)
    expect(held).toBeLessThan(64 << 20)
  })

  it.each([
    ['a line', { lineBytes: 4 }, 'abcd\n'],
    ['a line that never ends', { lineBytes: 4 }, 'abcdefgh'],
    ['the number of lines', { lines: 2 }, 'a\nb\nc\n'],
  ])('stops at the limit of %s', async (_, limits, content) => {
    await expect(linesOf(Buffer.from(content), 3, limits)).rejects.toMatchObject({ code: 'too-big' })
  })
})
