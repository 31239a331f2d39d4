import { describe, expect, it } from '@jest/globals'

import { CheckpointArchive, type CheckpointReading } from '../../../src/collectors/checkpoint/archive.js'
import { inChunks } from '../../formats/streams.js'
import { member, paxMember, tarOf } from '../../formats/tar-fixtures.js'

async function reading(...members: readonly Buffer[]): Promise<CheckpointReading> {
  const archive = new CheckpointArchive(() => Promise.reject(new Error('there is no rootfs-diff.tar')))
  await archive.read(inChunks(tarOf(...members), 4096) as AsyncIterable<Buffer>)
  return archive.reading()
}

describe('the archive of a checkpoint', () => {
  it('gives no hash of a part with holes: what is stored of it is not what it reads as', async () => {
    const sparse = { 'GNU.sparse.size': '9000', 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': '0,3' }
    const { parts } = await reading(
      member({ name: 'spec.dump', content: Buffer.from('abc') }),
      paxMember(sparse),
      member({ name: 'pages-1.img', content: Buffer.from('abc') }),
    )
    expect(parts).toEqual([
      { path: '/spec.dump', type: 'file', size: 3, sha256: expect.stringMatching(/^ba7816bf/) },
      { path: '/pages-1.img', type: 'file', size: 9000 },
    ])
  })

  it('says that there are more parts that could not be read than it lists', async () => {
    const broken = Array.from({ length: 205 }, (_, pid) =>
      member({ name: `checkpoint/core-${pid}.img`, content: Buffer.from('nothing of CRIU') }),
    )
    const { notRead } = await reading(...broken)
    expect(notRead).toHaveLength(201)
    expect(notRead.at(-1)?.why).toBe('there are more than the 200 above')
  })
})
