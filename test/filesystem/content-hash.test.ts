import { createHash } from 'node:crypto'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { hashContent } from '../../src/filesystem/content-hash.js'
import { readTar } from '../../src/formats/tar.js'
import { inChunks } from '../formats/streams.js'
import { member, tarOf } from '../formats/tar-fixtures.js'

const contents = fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 5 })

describe('the hash of a content', () => {
  it('is that of its bytes, whether they come in one piece or in many, watched or not', async () => {
    await fc.assert(
      fc.asyncProperty(
        contents,
        fc.integer({ min: 1, max: 9000 }),
        fc.boolean(),
        async (all, size, watched) => {
          const tar = tarOf(
            ...all.map((bytes, index) => member({ name: `f${index}`, content: Buffer.from(bytes) })),
          )
          const found: string[] = []
          const stored: Buffer[] = []
          for await (const entry of readTar(inChunks(tar, size))) {
            const onStored = watched ? (piece: Buffer) => void stored.push(Buffer.from(piece)) : undefined
            found.push(await hashContent(entry, onStored))
          }
          expect(found).toEqual(all.map((bytes) => createHash('sha256').update(bytes).digest('binary')))
          if (watched) expect(Buffer.concat(stored)).toEqual(Buffer.concat(all))
        },
      ),
    )
  })
})
