import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { ContentTar } from '../../src/filesystem/content-tar.js'
import { factsOf, type TreeFacts } from '../../src/filesystem/facts.js'
import { pathKey } from '../../src/filesystem/path-key.js'
import { Scratch } from '../../src/filesystem/scratch.js'
import { unpacked } from './tars.js'

const FILE: TreeFacts = {
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 1_795_000_000, nanoseconds: 0 },
  atime: undefined,
  ctime: undefined,
  link: undefined,
  device: undefined,
  sha256: undefined,
  layer: undefined,
  implied: false,
  xattrs: undefined,
}

async function written(fill: (tar: ContentTar) => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = []
  const tar = new ContentTar((chunk) => Promise.resolve(void chunks.push(Buffer.from(chunk))))
  await fill(tar)
  await tar.finish()
  return Buffer.concat(chunks)
}

describe('changed.tar', () => {
  it('gives back what went in, whatever the names, owners, times and attributes', async () => {
    const name = fc
      .uint8Array({ minLength: 1, maxLength: 200 })
      .map((bytes) => pathKey(Buffer.from(bytes)))
      .filter((key): key is string => key !== undefined && key !== '')
    const instant = fc.record({
      seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      nanoseconds: fc.integer({ min: 0, max: 999_999_999 }),
    })
    const facts = fc.record({
      mode: fc.integer({ min: 0, max: 0o7777 }),
      uid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      gid: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      mtime: instant,
      ctime: fc.option(instant, { nil: undefined }),
      xattrs: fc.option(
        fc
          .dictionary(
            fc.constantFrom('user.a', 'security.capability'),
            fc.uint8Array({ minLength: 1, maxLength: 30 }),
            { minKeys: 1 },
          )
          .map(
            (all) =>
              new Map(
                Object.entries(all).map(([key, value]) => [key, Buffer.from(value).toString('latin1')]),
              ),
          ),
        { nil: undefined },
      ),
    })
    const content = fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(name, facts, content, async (key, some, bytes) => {
        const given = { ...FILE, ...some, size: bytes.length }
        const tar = await written(async (writer) => {
          await writer.begin(key, 'file', given, bytes.length)
          for (let at = 0; at < bytes.length; at += 700) await writer.content(bytes.subarray(at, at + 700))
        })
        const [member, ...rest] = await unpacked(tar)
        expect(rest).toEqual([])
        expect(pathKey(member!.header.path)).toBe(key)
        expect(factsOf(member!.header)).toEqual(given)
        expect(member!.content.equals(bytes)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('is a tar to others: names, links, holes', async () => {
    const long = `${'d'.repeat(99)}/${'f'.repeat(120)}`
    const tar = await written(async (writer) => {
      await writer.begin('etc', 'directory', { ...FILE, mode: 0o755 }, 0)
      await writer.begin(long, 'file', { ...FILE, size: 3 }, 3)
      await writer.content(Buffer.from('abc'))
      await writer.begin('l', 'symlink', { ...FILE, link: '/etc/x' }, 0)
      await writer.begin('h', 'hardlink', { ...FILE, link: long }, 0)
      const sparse = { realSize: 1 << 20, pieces: [{ offset: 4096, length: 2 }] }
      await writer.begin('sparse', 'file', { ...FILE, size: 1 << 20 }, 2, sparse)
      await writer.content(Buffer.from('hi'))
    })
    const list = spawnSync('tar', ['--quoting-style=literal', '-tvf', '-'], { input: tar })
    if (list.error === undefined) {
      const sizes = list.stdout
        .toString()
        .split('\n')
        .map((line) => line.split(/\s+/)[2])
      expect(list.stdout.toString()).toContain(` ${long}`)
      expect(list.stdout.toString()).toContain('l -> /etc/x')
      expect(sizes).toEqual(['0', '3', '0', '0', String(1 << 20), undefined])
      expect(list.stderr.toString()).toBe('')
    }
    const members = await unpacked(tar)
    expect(members.at(-1)?.header.sparse).toEqual({
      realSize: 1 << 20,
      pieces: [{ offset: 4096, length: 2 }],
    })
    expect(members.at(-1)?.header.path.toString()).toBe('sparse')
  })

  it('is cut where a member was not finished', async () => {
    const tar = await written(async (writer) => {
      await writer.begin('a', 'file', { ...FILE, size: 2000 }, 2000)
      await writer.content(Buffer.alloc(1000))
    })
    expect(tar.length).toBe(512 + 1000)
    await expect(unpacked(tar)).rejects.toMatchObject({ code: 'cut' })
  })
})

describe('the scratch file', () => {
  it('gives back each content in turn and never holds it in the clear', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'impound-test-'))
    const scratch = await Scratch.open(directory)
    try {
      for (const content of [Buffer.alloc(600_000, 'first'), Buffer.from('second'), Buffer.alloc(0)]) {
        const held = await scratch.fill()
        for (let at = 0; at < content.length; at += 65_000)
          await held.write(content.subarray(at, at + 65_000))
        const pieces: Buffer[] = []
        for await (const piece of held.read()) pieces.push(piece)
        expect(Buffer.concat(pieces).equals(content)).toBe(true)
      }
    } finally {
      await scratch.close()
      rmSync(directory, { recursive: true })
    }
  })

  it('says that the disk is the matter', async () => {
    await expect(Scratch.open('/no/such/directory')).rejects.toMatchObject({ code: 'storage' })
  })
})
