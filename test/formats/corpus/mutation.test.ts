import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { gzipSync, zstdCompressSync } from 'node:zlib'

import { inChunks } from '../streams.js'
import { CORPUS } from './corpus.js'
import { LIMITS, outcomeOf, type Packing } from './reading.js'

const BLOCK = 512
const stored = CORPUS.map(({ packing, bytes }) => ({ packing, bytes })).filter(
  ({ bytes }) => bytes.length > 0,
)
const tars = stored.filter(({ packing }) => packing === 'tar')

/** A change of bytes; places are shares of the length, so that they fit every archive. */
type Mutation = (bytes: Buffer) => Buffer

const share = fc.double({ min: 0, max: 1, noNaN: true })
const place = (bytes: Buffer, at: number): number => Math.floor(at * bytes.length)

const flip = fc.record({ at: share, bit: fc.nat(7) }).map(({ at, bit }): Mutation => (bytes) => {
  const copy = Buffer.from(bytes)
  const index = Math.min(place(copy, at), copy.length - 1)
  if (copy.length > 0) copy[index] = (copy[index] ?? 0) ^ (1 << bit)
  return copy
})
const truncate = share.map(
  (at): Mutation =>
    (bytes) =>
      bytes.subarray(0, place(bytes, at)),
)
const overwrite = fc
  .record({ at: share, with: fc.uint8Array({ minLength: 1, maxLength: 16 }) })
  .map(({ at, with: patch }): Mutation => (bytes) => {
    const copy = Buffer.from(bytes)
    copy.set(patch.subarray(0, copy.length - place(copy, at)), place(copy, at))
    return copy
  })
const spliceFrom = (others: readonly { readonly bytes: Buffer }[]): fc.Arbitrary<Mutation> =>
  fc
    .record({ other: fc.constantFrom(...others), at: share, from: share, to: share })
    .map(({ other, at, from, to }): Mutation => (bytes) => {
      const aligned = (index: number): number => index - (index % BLOCK)
      const piece = other.bytes.subarray(aligned(place(other.bytes, from)), place(other.bytes, to))
      const index = aligned(place(bytes, at))
      return Buffer.concat([bytes.subarray(0, index), piece, bytes.subarray(index)])
    })

const mutations = (others: readonly { readonly bytes: Buffer }[]): fc.Arbitrary<readonly Mutation[]> =>
  fc.array(fc.oneof(flip, truncate, overwrite, spliceFrom(others)), { minLength: 1, maxLength: 4 })

function mutated(bytes: Buffer, changes: readonly Mutation[]): Buffer {
  return changes.reduce((changed, change) => change(changed), bytes)
}

/** Gives every block that looks like a header its right checksum, so that a lie gets past it. */
function resealed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = 0; at + BLOCK <= copy.length; at += BLOCK) {
    const block = copy.subarray(at, at + BLOCK)
    if (block.toString('latin1', 257, 262) !== 'ustar') continue
    block.fill(0x20, 148, 156)
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
  return copy
}

/** Reading ended, in a known way, within its bounds; outcomeOf itself rejects what is no ImpoundError. */
async function expectKnownEnd(packing: Packing, bytes: Buffer, chunk: number): Promise<void> {
  const outcome = await outcomeOf(packing, inChunks(bytes, chunk))
  expect(outcome.end).toMatch(/^(whole|hidden \d+|after packing \d+|cut|integrity|too-big)$/)
  expect(outcome.contentBytes).toBeLessThanOrEqual(LIMITS.tar.totalBytes)
  expect(outcome.entries.length).toBeLessThanOrEqual(LIMITS.tar.entries)
}

const chunk = fc.constantFrom(1, 3, 511, 512, 513, 1 << 20)

describe('an archive of the corpus that was changed anywhere', () => {
  it('is read to a known end, as it is stored', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...stored),
        mutations(stored),
        chunk,
        async ({ packing, bytes }, changes, size) => {
          await expectKnownEnd(packing, mutated(bytes, changes), size)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('is read to a known end where its checksums were made right again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...tars), mutations(tars), chunk, async ({ bytes }, changes, size) => {
        await expectKnownEnd('tar', resealed(mutated(bytes, changes)), size)
      }),
      { numRuns: 3000 },
    )
  })

  it('is read to the same end however it comes in, and packed as plain', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...tars), mutations(tars), chunk, async ({ bytes }, changes, size) => {
        const tar = resealed(mutated(bytes, changes)).subarray(0, LIMITS.packed.outputBytes)
        const plain = await outcomeOf('tar', inChunks(tar, 1 << 20))
        expect(await outcomeOf('tar', inChunks(tar, size))).toEqual(plain)
        expect(await outcomeOf('tar.gz', inChunks(gzipSync(tar), size))).toEqual(plain)
        expect(await outcomeOf('tar.zst', inChunks(zstdCompressSync(tar), size))).toEqual(plain)
      }),
      { numRuns: 400 },
    )
  })
})
