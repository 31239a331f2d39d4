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

  it.each([
    ['a line', { lineBytes: 4 }, 'abcd\n'],
    ['a line that never ends', { lineBytes: 4 }, 'abcdefgh'],
    ['the number of lines', { lines: 2 }, 'a\nb\nc\n'],
  ])('stops at the limit of %s', async (_, limits, content) => {
    await expect(linesOf(Buffer.from(content), 3, limits)).rejects.toMatchObject({ code: 'too-big' })
  })
})
