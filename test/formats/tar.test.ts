import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  linkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { pack } from 'tar-stream'

import { readTar, type TarHeader } from '../../src/formats/tar.js'
import { inChunks, passing } from './streams.js'
import { withGnuTar } from './system-tools.js'
import { END, headerBlock, member, paxMember, readAll, tarOf } from './tar-fixtures.js'

async function packed(
  entries: readonly {
    readonly header: { readonly name: string; readonly mtime: Date }
    readonly content: Buffer
  }[],
): Promise<Buffer> {
  const stream = pack()
  for (const { header, content } of entries) stream.entry({ ...header, size: content.length }, content)
  stream.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}

const segment = fc.stringMatching(/^[A-Za-z0-9 _äé☃.-]{1,60}$/).filter((text) => !/^\.*$/.test(text))
const entry = fc.record({
  header: fc.record({
    name: fc.array(segment, { minLength: 1, maxLength: 8 }).map((segments) => segments.join('/')),
    mode: fc.integer({ min: 1, max: 0o7777 }) /* tar-stream takes 0 for not given */,
    uid: fc.nat(0o777777),
    gid: fc.nat(0o777777),
    mtime: fc.nat(2 ** 31 - 1).map((seconds) => new Date(seconds * 1000)),
  }),
  content: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
})

describe('reading a tar', () => {
  it('keeps nothing of a chunk that is written over', async () => {
    const long = fc.record({ name: fc.string({ minLength: 120, maxLength: 300 }), uid: fc.nat(2 ** 30) })
    const entries = fc.array(fc.tuple(entry, long), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 2000 }), async (given, size) => {
        const bytes = await packed(
          given.flatMap(([one, { name }]) => [
            one,
            {
              header: { name: `l/${name.replaceAll(/[^a-z]/g, 'x')}`, mtime: new Date(0) },
              content: one.content,
            },
          ]),
        )
        const headers: TarHeader[] = []
        const contents: string[] = []
        for await (const { header, content } of readTar(passing(inChunks(bytes, size)))) {
          headers.push(header)
          const hash = createHash('sha256')
          for await (const piece of content) hash.update(piece)
          contents.push(hash.digest('hex'))
        }
        const { members } = await readAll(bytes)
        expect(headers).toEqual(members.map(({ header }) => header))
        expect(contents).toEqual(
          members.map(({ content }) => createHash('sha256').update(content).digest('hex')),
        )
      }),
      { numRuns: 60 },
    )
  })

  it('gives back what tar-stream packed, in chunks of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 6 }),
        fc.integer({ min: 1, max: 2000 }),
        async (entries, size) => {
          const { members, end } = await readAll(inChunks(await packed(entries), size))
          expect(end.entries).toBe(entries.length)
          expect(end.trailing).toEqual({ bytes: 0, zero: true })
          expect(
            members.map(({ header, content }) => ({
              name: header.path.toString(),
              mode: header.mode,
              uid: header.uid,
              gid: header.gid,
              seconds: header.mtime.seconds,
              content,
            })),
          ).toEqual(
            entries.map(({ header, content }) => ({
              name: header.name,
              mode: header.mode,
              uid: header.uid,
              gid: header.gid,
              seconds: header.mtime.getTime() / 1000,
              content,
            })),
          )
        },
      ),
      { numRuns: 150 },
    )
  })

  withGnuTar.each(['v7', 'ustar', 'gnu', 'oldgnu', 'posix'])(
    'reads what the system tar writes as %s',
    async (format) => {
      const root = mkdtempSync(join(tmpdir(), 'impound-tar-'))
      try {
        mkdirSync(join(root, 'd'))
        writeFileSync(join(root, 'd/a'), 'hello')
        writeFileSync(join(root, 'd/empty'), '')
        chmodSync(join(root, 'd/a'), 0o4755)
        utimesSync(join(root, 'd/a'), 1000.25, 1234.5)
        symlinkSync('a', join(root, 'd/s'))
        linkSync(join(root, 'd/a'), join(root, 'd/z'))
        const long = `d/${'n'.repeat(90)}`
        writeFileSync(join(root, long), Buffer.alloc(70_000, 7))
        const tar = execFileSync('tar', [`--format=${format}`, '--sort=name', '-cf', '-', 'd'], { cwd: root })
        const { members, end } = await readAll(inChunks(tar, 333))
        const byName = new Map(members.map((found) => [found.header.path.toString(), found]))
        expect([...byName.keys()]).toEqual(['d/', 'd/a', 'd/empty', long, 'd/s', 'd/z'])
        expect(members.map(({ header }) => header.type)).toEqual([
          'directory',
          'file',
          'file',
          'file',
          'symlink',
          'hardlink',
        ])
        expect(byName.get('d/a')?.content.toString()).toBe('hello')
        expect(byName.get('d/a')?.header.mode).toBe(0o4755)
        expect(byName.get('d/a')?.header.mtime).toEqual({
          seconds: 1234,
          nanoseconds: format === 'posix' ? 500_000_000 : 0,
        })
        expect(byName.get('d/s')?.header.linkPath?.toString()).toBe('a')
        expect(byName.get('d/z')?.header.linkPath?.toString()).toBe('d/a')
        expect(byName.get(long)?.content.equals(Buffer.alloc(70_000, 7))).toBe(true)
        expect(end.trailing.zero).toBe(true)
        expect(end.bytes + end.trailing.bytes).toBe(tar.length)
      } finally {
        rmSync(root, { recursive: true })
      }
    },
  )

  withGnuTar.each(['gnu', 'posix'])(
    'reads names past every field from the system tar as %s',
    async (format) => {
      const root = mkdtempSync(join(tmpdir(), 'impound-tar-'))
      try {
        const folder = Array.from({ length: 4 }, (_, index) => String(index).repeat(120)).join('/')
        mkdirSync(join(root, folder), { recursive: true })
        symlinkSync('t'.repeat(300), join(root, folder, 'link'))
        const tar = execFileSync('tar', [`--format=${format}`, '-cf', '-', `${folder}/link`], { cwd: root })
        const { members } = await readAll(tar)
        expect(members.map(({ header }) => [header.path.toString(), header.linkPath?.toString()])).toEqual([
          [`${folder}/link`, 't'.repeat(300)],
        ])
      } finally {
        rmSync(root, { recursive: true })
      }
    },
  )

  it('lets an entry be left unread, or read in part', async () => {
    const tar = tarOf(
      member({ name: 'a', content: Buffer.alloc(5000, 1) }),
      member({ name: 'b', content: Buffer.alloc(5000, 2) }),
      member({ name: 'c', content: Buffer.from('last') }),
    )
    const seen: string[] = []
    for await (const { header, content } of readTar(inChunks(tar, 700))) {
      if (header.path.toString() === 'a') continue
      for await (const chunk of content) {
        seen.push(`${header.path.toString()}:${chunk[0] ?? ''}`)
        break
      }
    }
    expect(seen).toEqual(['b:2', `c:${'l'.charCodeAt(0)}`])
  })

  it('gives a content in one piece where it is in memory, and only then', async () => {
    const tar = tarOf(
      member({ name: 'a', content: Buffer.from('whole') }),
      member({ name: 'empty' }),
      member({ name: 'spans', content: Buffer.alloc(700, 7) }),
      member({ name: 'begun', content: Buffer.from('begun') }),
      member({ name: 'again', content: Buffer.from('again') }),
    )
    const seen: Record<string, string | undefined> = {}
    for await (const { header, content } of readTar(inChunks(tar, 1024))) {
      const name = header.path.toString()
      if (name === 'begun') for await (const piece of content) expect(piece.toString()).toBe('begun')
      seen[name] = content.whole()?.toString()
      if (name === 'spans') {
        const pieces: Buffer[] = []
        for await (const piece of content) pieces.push(piece)
        expect(Buffer.concat(pieces).equals(Buffer.alloc(700, 7))).toBe(true)
      }
      if (name === 'again') expect(content.whole()).toBeUndefined()
      if (name !== 'spans') for await (const piece of content) expect(piece).toBe('there is nothing left')
    }
    expect(seen).toEqual({ a: 'whole', empty: '', spans: undefined, begun: undefined, again: 'again' })
  })

  it('gives nothing in one piece past the limit of the whole stream', async () => {
    const tar = tarOf(member({ name: 'a', content: Buffer.alloc(2000, 1) }))
    const reading = async (): Promise<void> => {
      for await (const { content } of readTar(inChunks(tar, 9000), { totalBytes: 1000 })) {
        expect(content.whole()).toBeUndefined()
        for await (const piece of content) expect(piece.length).toBeLessThanOrEqual(488)
      }
    }
    await expect(reading()).rejects.toMatchObject({ code: 'too-big' })
  })

  it('refuses to read the content of an entry after the next one', async () => {
    const tar = tarOf(
      member({ name: 'a', content: Buffer.from('A') }),
      member({ name: 'b', content: Buffer.from('B') }),
    )
    const entries = readTar(inChunks(tar, 512))
    const first = await entries.next()
    await entries.next()
    if (first.done === true) throw new Error('there is a first entry')
    const late = first.value.content[Symbol.asyncIterator]()
    await expect(late.next()).rejects.toMatchObject({ code: 'bug' })
    expect(first.value.content.whole()).toBeUndefined()
  })

  it('tells the source when its reader stops early', async () => {
    const source = Readable.from([tarOf(member({ name: 'a' }), member({ name: 'b' }))])
    for await (const { header } of readTar(source)) {
      expect(header.path.toString()).toBe('a')
      break
    }
    expect(source.destroyed).toBe(true)
  })

  it('counts what follows the end mark, zero or not', async () => {
    const tar = tarOf(member({ name: 'a' }))
    const zeros = await readAll(Buffer.concat([tar, Buffer.alloc(9000)]))
    expect(zeros.end).toEqual({
      ended: 'two-zero-blocks',
      entries: 1,
      bytes: 1536,
      trailing: { bytes: 9000, zero: true },
    })
    const hidden = await readAll(Buffer.concat([tar, member({ name: 'hidden' }), END]))
    expect(hidden.members.map(({ header }) => header.path.toString())).toEqual(['a'])
    expect(hidden.end.trailing).toEqual({ bytes: 1536, zero: false })
  })

  it('gives entries of the same name one after the other', async () => {
    const tar = tarOf(
      member({ name: 'a', content: Buffer.from('one') }),
      member({ name: 'a', content: Buffer.from('two') }),
    )
    const { members } = await readAll(tar)
    expect(members.map(({ content }) => content.toString())).toEqual(['one', 'two'])
  })

  it('keeps names that are no UTF-8 byte for byte', async () => {
    const name = Buffer.from([0x2e, 0x2f, 0xff, 0xfe, 0x80])
    const { members } = await readAll(
      tarOf(member({ name }), paxMember({ path: name }), member({ name: 'x' })),
    )
    expect(members.map(({ header }) => header.path)).toEqual([name, name])
  })
})

describe('a tar that is cut', () => {
  it('is told as cut at every block, and never ends as whole', async () => {
    const tar = tarOf(
      paxMember({ mtime: '1.5' }),
      member({ name: 'a', content: Buffer.alloc(1500, 1) }),
      member({ name: 'longer', typeflag: 'L', content: Buffer.from(`${'n'.repeat(200)}\0`) }),
      member({ name: 'b', content: Buffer.alloc(512, 2) }),
    )
    for (let length = 0; length < tar.length; length += 512) {
      await expect(readAll(tar.subarray(0, length))).rejects.toMatchObject({ code: 'cut' })
    }
    expect((await readAll(tar)).end.entries).toBe(2)
  })

  it('is told as cut at any byte', async () => {
    const tar = tarOf(member({ name: 'a', content: Buffer.alloc(700, 1) }))
    await fc.assert(
      fc.asyncProperty(fc.nat(tar.length - 1), async (length) => {
        await expect(readAll(inChunks(tar.subarray(0, length), 100))).rejects.toMatchObject({ code: 'cut' })
      }),
    )
  })

  it('passes on what the source throws', async () => {
    const fault = new Error('the disk is gone')
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield headerBlock({ name: 'a', content: Buffer.alloc(1000) })
      throw fault
    }
    await expect(readAll(source())).rejects.toBe(fault)
  })
})
