import { createHash } from 'node:crypto'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { HashQueue } from '../../src/filesystem/hash-queue.js'
import { readTar } from '../../src/formats/tar.js'
import { inChunks } from '../formats/streams.js'
import { member, tarOf } from '../formats/tar-fixtures.js'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('binary')

/** Of a tar's files, in the order in which they are handed on; a directory stands for what has no content. */
async function hashesOf(tar: Buffer, chunk: number) {
  const found: { readonly name: string; readonly sha256: string | undefined }[] = []
  const queue = new HashQueue<string>((name, of) => void found.push({ name, sha256: of }))
  for await (const { header, ...entry } of readTar(inChunks(tar, chunk))) {
    const name = header.path.toString()
    if (header.type === 'directory') await queue.add(name)
    else await queue.hash(name, { header, ...entry })
  }
  await queue.finish()
  return found
}

describe('the queue of hashes', () => {
  it('hands on in order what each is the hash of, whether it was taken here, in the pool or piece by piece', async () => {
    const size = fc.oneof(fc.integer({ max: 2000, min: 0 }), fc.integer({ min: 30_000, max: 90_000 }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(size), { minLength: 1, maxLength: 12 }),
        fc.constantFrom(4096, 60_000, 1 << 20),
        async (sizes, chunk) => {
          const bodies = sizes.map((length, at) => (length === null ? undefined : Buffer.alloc(length, at)))
          const tar = tarOf(
            ...bodies.map((content, at) =>
              content === undefined
                ? member({ name: `m${at}`, typeflag: '5' })
                : member({ name: `m${at}`, content }),
            ),
          )
          expect(await hashesOf(tar, chunk)).toEqual(
            bodies.map((body, at) => ({
              name: `m${at}`,
              sha256: body === undefined ? undefined : sha256(body),
            })),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('waits for the pool where more is on its way than it may hold', async () => {
    const bodies = Array.from({ length: 80 }, (_, at) => Buffer.alloc(200_000, at))
    const tar = tarOf(...bodies.map((content, at) => member({ name: `m${at}`, content })))
    const found = await hashesOf(tar, tar.length)
    expect(found.map((one) => one.sha256)).toEqual(bodies.map(sha256))
  })
})
