import { execFileSync } from 'node:child_process'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { describe, expect, it } from '@jest/globals'

import { readMembers, type ArchiveMember, type ReadOptions } from '../../src/evidence/read-archive.js'
import { member, tarOf } from '../formats/tar-fixtures.js'
import { contentOf, filesOf, FOLDER, LOG, memberOf, packed, POD_LOG, sealedArchive } from './forgery.js'
import { scratch } from './scratch.js'

async function read(
  path: string,
  want: (name: string) => boolean,
  options: Partial<ReadOptions> = {},
): Promise<readonly ArchiveMember[]> {
  const members: ArchiveMember[] = []
  const signal = new AbortController().signal
  for await (const found of readMembers(path, want, { signal, ...options })) members.push(found)
  return members
}

async function archiveOf(bytes: Buffer): Promise<string> {
  const path = join(await scratch(), 'archive.tar.gz')
  await writeFile(path, bytes)
  return path
}

describe('reading members of an archive', () => {
  it('gives the wanted files, packed or unpacked, by the same names', async () => {
    const archive = await sealedArchive()
    const files = await filesOf(archive)
    const directory = await scratch()
    execFileSync('tar', ['xzf', archive, '-C', directory])
    for (const path of [archive, join(directory, FOLDER)]) {
      const members = await read(path, (name) => name.endsWith('/acquisition.jsonl') || name.endsWith('.log'))
      const found = new Map(members.map((each) => [each.name, each]))
      expect([...found.keys()].sort()).toEqual([`${FOLDER}/${LOG}`, `${FOLDER}/${POD_LOG}`])
      expect(found.get(`${FOLDER}/${LOG}`)).toEqual({
        name: `${FOLDER}/${LOG}`,
        path: LOG,
        bytes: contentOf(files, LOG),
      })
    }
  })

  it('passes over names that are not ours, links and what is not wanted', async () => {
    const evil = Buffer.from('evil')
    const archive = await archiveOf(
      gzipSync(
        tarOf(
          member({ name: '../../etc/passwd', content: evil }),
          member({ name: `${FOLDER}/data/../x`, content: evil }),
          memberOf('data/link', Buffer.alloc(0), { typeflag: '2', fields: { link: '/etc/passwd' } }),
          memberOf('data/fine', Buffer.from('fine')),
        ),
      ),
    )
    expect((await read(archive, () => true)).map(({ path }) => path)).toEqual(['data/fine'])
    const directory = await scratch()
    await writeFile(join(directory, 'fine'), 'fine')
    await symlink('/etc/passwd', join(directory, 'link'))
    expect((await read(directory, () => true)).map(({ path }) => path)).toEqual(['fine'])
  })

  it.each([
    ['a member', { memberBytes: 100 }],
    ['all of them', { totalBytes: 1500 }],
  ])('stops at the limit of %s', async (_, options) => {
    const archive = await archiveOf(packed([0, 1, 2].map((index) => [`data/${index}`, Buffer.alloc(600)])))
    await expect(read(archive, () => true, options)).rejects.toMatchObject({ code: 'too-big' })
    expect(await read(archive, (name) => name.endsWith('/9'), options)).toEqual([])
  })

  it('refuses a name that is there twice, a cut archive, and one that is not there', async () => {
    const twice = packed([
      [LOG, Buffer.from('one')],
      [LOG, Buffer.from('two')],
    ])
    await expect(read(await archiveOf(twice), () => true)).rejects.toMatchObject({ code: 'integrity' })
    const cut = await archiveOf(twice.subarray(0, -9))
    await expect(read(cut, () => false)).rejects.toMatchObject({ code: 'cut' })
    await expect(read('/nowhere.tar.gz', () => true)).rejects.toMatchObject({ code: 'usage' })
  })

  it('stops when told to', async () => {
    const archive = await archiveOf(packed([[LOG, Buffer.from('one')]]))
    await expect(read(archive, () => true, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})
