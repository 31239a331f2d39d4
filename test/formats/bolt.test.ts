import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { type BoltBucket, openBolt } from '../../src/formats/bolt.js'
import { ImpoundError } from '../../src/model/errors.js'
import { boltFile, type BoltTree } from './bolt-file.js'

/** Everything in it, as the writer's tree. */
function read(bucket: BoltBucket): BoltTree {
  return Object.fromEntries(
    [...bucket.entries()].map(({ key, value }) => [
      key.toString('latin1'),
      Buffer.isBuffer(value) ? Buffer.from(value) : read(value),
    ]),
  )
}

const key = fc.stringMatching(/^[a-z0-9/:]{1,12}$/)
const value = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
const { tree } = fc.letrec<{ tree: BoltTree }>((tie) => ({
  tree: fc.dictionary(key, fc.oneof({ depthSize: 'small' }, value, tie('tree')), {
    maxKeys: 12,
    noNullPrototype: true,
  }),
}))

describe('a bbolt file', () => {
  it('gives back every key, in pages of its own or its parent’s, below branches, over several pages', () => {
    fc.assert(
      fc.property(
        tree,
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0, 200, 2000),
        (of, perLeaf, inline) => {
          expect(read(openBolt(boltFile(of, { perLeaf, inline })))).toEqual(of)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('has values of more than a page', () => {
    const big = { v1: { big: Buffer.alloc(20_000, 7), small: Buffer.from('x') } }
    const root = openBolt(boltFile(big))
    expect(root.bucket('v1')?.value('big')).toEqual(big.v1.big)
    expect(root.bucket('v1')?.value('v1')).toBeUndefined()
    expect(root.bucket('none')).toBeUndefined()
  })

  it('is read by the meta page that is whole', () => {
    const file = boltFile({ a: Buffer.from('1') })
    file[20] = 9
    // the other one is older and names a page that is not there
    expect(() => read(openBolt(file))).toThrow(/page 9999/)
    file[4096 + 20] = 9
    expect(() => openBolt(file)).toThrow(/no meta page/)
  })

  it('is refused, and ends, whatever was written into it', () => {
    const file = boltFile({ v1: { a: { b: Buffer.alloc(9000), c: Buffer.from('c') }, d: {} } }, { inline: 0 })
    const spoil = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(spoil, fc.nat(file.length), (bytes, length) => {
        const spoilt = Buffer.from(file)
        for (const [at, byte] of bytes) spoilt[at] = byte
        try {
          read(openBolt(spoilt.subarray(0, length)))
        } catch (error) {
          expect(error).toBeInstanceOf(ImpoundError)
          expect(error).toMatchObject({ code: 'integrity' })
        }
      }),
      { numRuns: 400 },
    )
  })

  it('whose pages lead in a circle ends', () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`k${n}`, Buffer.from('v')]))
    const file = boltFile(many, { inline: 0 })
    const root = Number(file.readBigUInt64LE(32))
    // the first child of the branch is the branch
    file.writeBigUInt64LE(BigInt(root), root * 4096 + 16 + 8)
    expect(() => read(openBolt(file))).toThrow(/too deep|on and on/)
  })
})
