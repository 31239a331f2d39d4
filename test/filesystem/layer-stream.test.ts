import { gzipSync, zstdCompressSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'

import { openLayer } from '../../src/filesystem/layer-stream.js'
import { inChunks } from '../formats/streams.js'
import { member, tarOf } from '../formats/tar-fixtures.js'
import { skippableFrame } from '../formats/zstd-fixtures.js'

const tar = tarOf(member({ name: 'a', content: Buffer.from('abc') }))
const frames = Buffer.concat(
  Array.from({ length: Math.ceil(tar.length / 300) }, (_, index) =>
    zstdCompressSync(tar.subarray(index * 300, (index + 1) * 300)),
  ),
)

async function opened(blob: Buffer, chunk: number): Promise<{ compression: string; content: Buffer }> {
  const layer = await openLayer(inChunks(blob, chunk))
  const parts: Uint8Array[] = []
  for await (const part of layer.tar) parts.push(part)
  return { compression: layer.compression, content: Buffer.concat(parts) }
}

describe('opening a layer', () => {
  it.each<[string, string, Buffer]>([
    ['plain', 'none', tar],
    ['gzip', 'gzip', gzipSync(tar)],
    ['many small zstd frames', 'zstd', frames],
    ['zstd that begins with a frame to pass over', 'zstd', Buffer.concat([skippableFrame(tar), frames])],
    ['three bytes', 'none', Buffer.from('abc')],
    ['nothing', 'none', Buffer.alloc(0)],
  ])('gives all of the tar where it is %s', async (_, compression, blob) => {
    const content = compression === 'none' ? blob : tar
    for (const chunk of [1, 3, 1 << 20]) expect(await opened(blob, chunk)).toEqual({ compression, content })
  })

  it.each([
    ['gzip', gzipSync(tar)],
    ['zstd', frames],
  ])('tells a cut %s layer as cut', async (_, blob) => {
    await expect(opened(blob.subarray(0, -2), 100)).rejects.toMatchObject({ code: 'cut' })
  })

  it('tells the blob when the tar is left early', async () => {
    let isOver = false
    const blob = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* inChunks(frames, 10)
      } finally {
        isOver = true
      }
    }
    const layer = await openLayer(blob())
    for await (const part of layer.tar) {
      expect(part.length).toBeGreaterThan(0)
      break
    }
    expect(isOver).toBe(true)
  })
})
