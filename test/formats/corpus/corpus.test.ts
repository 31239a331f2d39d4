import { describe, expect, it } from '@jest/globals'

import { endless, inChunks } from '../streams.js'
import type { HostileArchive } from './archive.js'
import { CORPUS } from './corpus.js'
import { LIMITS, outcomeOf, type SourceBytes } from './reading.js'

async function* streamOf(
  { bytes, forever }: SourceBytes,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* inChunks(bytes, size)
  if (forever === undefined) return
  for await (const again of endless(forever)) yield* inChunks(again, size)
}

describe.each(CORPUS)('an archive with $name', (archive) => {
  it.each([
    ['whole', Number.MAX_SAFE_INTEGER],
    ['byte by byte', 1],
  ])('comes to what it must when it is read %s', async (_, size) => {
    const outcome = await outcomeOf(archive.packing, streamOf(archive, size))
    expect({ entries: outcome.entries, end: outcome.end }).toEqual({
      entries: archive.entries,
      end: archive.end,
    })
    expect(outcome.contentBytes).toBeLessThanOrEqual(LIMITS.tar.totalBytes)
  })
})

describe('the corpus', () => {
  it('says each thing once', () => {
    const names = CORPUS.map(({ name }) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })
})

const finite = CORPUS.filter(({ forever }) => forever === undefined)

describe('an archive that is cut', () => {
  it.each(
    finite.filter(({ packing }) => packing === 'tar').map((archive) => [archive.name, archive] as const),
  )('at any block is never whole before its end mark: %s', async (_, archive) => {
    for (let length = 0; length < archive.bytes.length; length += 512) await readCut(archive, length)
  })
})

/** What is read of a cut tar is a beginning of what is read of it whole, and its end is 'cut' or what it would be anyway. */
async function readCut(archive: HostileArchive, length: number): Promise<void> {
  const outcome = await outcomeOf('tar', inChunks(archive.bytes.subarray(0, length), 4096))
  const last = outcome.entries.at(-1)
  const before = last?.endsWith(', cut') === true ? outcome.entries.slice(0, -1) : outcome.entries
  expect(archive.entries.slice(0, before.length)).toEqual(before)
  if (outcome.end === 'cut') return
  // Nothing that counts was cut off: the trouble, or the end mark, stands before the cut
  expect(outcome.entries).toEqual(archive.entries)
  if (archive.end.startsWith('hidden')) expect(outcome.end).toMatch(/^whole|^hidden/)
  else expect(outcome.end).toBe(archive.end)
}
