import { gunzipSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { MEMBER_BYTES, parallelGzip } from '../../src/evidence/parallel-gzip.js'

async function packed(chunks: Iterable<Uint8Array>): Promise<Buffer> {
  const source = async function* () {
    yield* chunks
  }
  const members: Buffer[] = []
  for await (const member of parallelGzip(source())) members.push(member)
  return Buffer.concat(members)
}

/** Bytes that don't repeat within the window of deflate, cheaply. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0, x = 1; at < length; at += 1) {
    x = (x * 1103515245 + 12345) & 0x7fffffff
    bytes[at] = x >> 16
  }
  return bytes
}

describe('gzip in members', () => {
  it('gives back what went in, for any cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 20 }), async (chunks) => {
        expect(gunzipSync(await packed(chunks))).toEqual(Buffer.concat(chunks))
      }),
      { numRuns: 50 },
    )
  })

  it.each([0, 1, MEMBER_BYTES - 1, MEMBER_BYTES, MEMBER_BYTES + 1, 9 * MEMBER_BYTES + 17])(
    'gives back %d bytes in order, and the same members whatever the chunks',
    async (length) => {
      const bytes = noise(length)
      const one = await packed([bytes])
      const third = Math.floor(length / 3)
      const three = await packed([
        bytes.subarray(0, third),
        bytes.subarray(third, 2 * third),
        bytes.subarray(2 * third),
      ])
      expect(gunzipSync(one).equals(bytes)).toBe(true)
      expect(three.equals(one)).toBe(true)
    },
  )

  it('says nothing of time and platform in its headers', async () => {
    const file = await packed([noise(10)])
    expect([...file.subarray(0, 4), ...file.subarray(4, 8), file[9]]).toEqual([
      0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0xff,
    ])
  })

  it('ends with the error of its source', async () => {
    const failing = async function* () {
      yield noise(3 * MEMBER_BYTES)
      throw new Error('cut')
    }
    await expect(
      (async () => {
        for await (const member of parallelGzip(failing())) expect(member.length).toBeGreaterThan(0)
      })(),
    ).rejects.toThrow('cut')
  })

  it('reads no further ahead than a few members', async () => {
    let read = 0
    const endless = async function* () {
      const block = noise(MEMBER_BYTES)
      while (true) {
        read += 1
        yield block
      }
    }
    const members = parallelGzip(endless())
    await members.next()
    expect(read).toBeLessThan(200)
    await members.return(undefined)
  })
})
