import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { indexImage, type IndexedImage, type IndexOptions } from '../../src/filesystem/image-index.js'
import { LayerCache } from '../../src/filesystem/layer-cache.js'
import type { Registry } from '../../src/model/ports/registry.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { FakeRegistry, sha256 } from '../registry/fake-registry.js'
import { type Member, tarOf } from './tars.js'

const PROGRAM = new URL('layer-worker.mjs', import.meta.url)
const LINUX = { os: 'linux', architecture: 'amd64' }
const NAME = { reference: 'registry.test/shop/web' }
const WEIRD = Buffer.from([0x78, 0xff, 0x0a, 0x1b]).toString('latin1')

let fake: FakeRegistry
let folder: string
beforeEach(async () => {
  fake = await new FakeRegistry().start()
  folder = mkdtempSync(join(tmpdir(), 'impound-index-'))
})
afterEach(async () => {
  await fake.stop()
  rmSync(folder, { recursive: true })
})

const cache = (maxBytes?: number): LayerCache =>
  new LayerCache({
    directory: join(folder, 'layers'),
    owner: process.getuid?.(),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  })
const kept = (): string[] => readdirSync(join(folder, 'layers')).sort()

function registry(): Registry {
  return createRegistry({
    policy: parseRegistryPolicy([`registry.test=${fake.address}`]),
    timeoutMs: 5000,
    notice: () => undefined,
  })
}

async function index(
  layers: LayerCache = cache(),
  threads: IndexOptions['threads'] = { most: 0, program: undefined },
): Promise<IndexedImage> {
  const { signal } = new AbortController()
  const from = registry()
  return indexImage(from, await from.resolve(NAME.reference, LINUX, signal), layers, { signal, threads })
}

const blobs = (): number => fake.seen.filter(({ url }) => url.includes('/blobs/')).length

const LAYERS: readonly (readonly Member[])[] = [
  [
    { name: 'etc/' },
    { name: 'etc/passwd', content: 'root', pax: { 'SCHILY.xattr.user.a': 'b', atime: '12.5' } },
    { name: 'bin/big', content: randomBytes(900_000) },
    { name: 'gone', content: 'x' },
  ],
  [
    { name: '.wh.gone', content: '' },
    { name: 'bin/link', type: 'symlink', linkname: 'big' },
    { name: 'bin/hard', type: 'link', linkname: 'bin/big' },
    { name: 'dev/null', type: 'character-device', devmajor: 1, devminor: 3 },
  ],
  [{ name: `tmp/${'long/'.repeat(40)}end`, content: 'y', mode: 0o4755, uid: 3_000_000, gid: 2 ** 33 }],
]

async function image(layers = LAYERS): Promise<readonly string[]> {
  const tars = await Promise.all(layers.map((members) => tarOf(members)))
  fake.image(tars)
  return tars.map(sha256)
}

const listed = ({ tree }: IndexedImage): unknown[] =>
  [...tree.paths()].map(([key, row]) => [key, tree.at(row)]).sort()

describe('the index of an image', () => {
  it('is the same from threads, from this thread, and from what is kept', async () => {
    await image()
    const here = await index(new LayerCache())
    const threads = { most: 2, program: PROGRAM }
    const there = await index(cache(), threads)
    const asked = blobs()
    const again = await index(cache(), threads)
    expect([here, there, again].map(({ cachedLayers }) => cachedLayers)).toEqual([0, 0, 3])
    expect(listed(there)).toEqual(listed(here))
    expect(listed(again)).toEqual(listed(here))
    // the config alone
    expect(blobs() - asked).toBe(1)
    expect(here.tree.get('etc/passwd')).toMatchObject({
      xattrs: new Map([['user.a', 'b']]),
      atime: { seconds: 12, nanoseconds: 500_000_000 },
      sha256: createHash('sha256').update('root').digest('binary'),
      layer: 0,
    })
    expect(here.tree.get('dev/null')).toMatchObject({ type: 'char', device: '1:3' })
    expect(here.tree.get('gone')).toBeUndefined()
  })

  it('leaves nothing behind where nothing is kept', async () => {
    await image()
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('impound-layer-'))
    await index(new LayerCache())
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('impound-layer-'))).toEqual(before)
  })

  it.each([
    ['in a thread', { most: 2, program: PROGRAM }],
    ['here', { most: 0, program: undefined }],
  ])(
    'is refused where a layer is not what the config names, and nothing of it kept: %s',
    async (_, threads) => {
      const [, second] = await image()
      const swapped = await tarOf([{ name: 'evil', content: 'x' }])
      const layers = [...fake.blobs].filter(([, bytes]) => bytes[0] === 0x1f)
      const { gzipSync } = await import('node:zlib')
      // the manifest names another blob, which is what its digest says: only the diff_id tells
      const evil = fake.blob(gzipSync(swapped))
      const manifest = [...fake.manifests.values()][0]!
      const text = manifest.bytes.toString().replace(layers[1]![0], evil.digest)
      const value = JSON.parse(text) as { layers: { size: number }[] }
      value.layers[1]!.size = evil.size
      fake.manifest(value, manifest.mediaType, 'latest')
      await expect(index(cache(), threads)).rejects.toMatchObject({
        code: 'integrity',
        message: expect.stringContaining(second!),
      })
      expect(kept().filter((name) => name.includes(second!.slice(7)) || name.endsWith('.draft'))).toEqual([])
    },
  )

  it('says what broke first, not what was stopped because of it', async () => {
    await image([...LAYERS, [{ name: 'slow', content: randomBytes(200_000) }]])
    const [, , third] = [...fake.blobs].filter(([, bytes]) => bytes[0] === 0x1f)
    fake.blobs.set(third![0], Buffer.from('cut'))
    await expect(index(cache(), { most: 4, program: PROGRAM })).rejects.toMatchObject({ code: 'integrity' })
  })

  it('stops when it is told to', async () => {
    await image()
    fake.first = (request, response) => {
      if (!(request.url ?? '').includes('/blobs/') || blobs() < 2) return false
      response.writeHead(200).write('x')
      return true
    }
    const stop = new AbortController()
    const from = registry()
    const resolved = await from.resolve(NAME.reference, LINUX, stop.signal)
    const threads = { most: 2, program: PROGRAM }
    const indexing = indexImage(from, resolved, cache(), { signal: stop.signal, threads })
    setTimeout(() => stop.abort(), 300)
    await expect(indexing).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('the program of a thread', () => {
  it('is in the build: without it layers are read in one thread, and nobody is told', () => {
    const built = new URL('../../dist/src/filesystem/layer-worker.js', import.meta.url)
    expect(existsSync(built)).toBe(true)
  })
})

describe('what is kept of layers', () => {
  const path = (name: string): string => join(folder, 'layers', name)
  const damages: readonly (readonly [string, (file: string) => void])[] = [
    ['cut', (file) => writeFileSync(file, readFileSync(file).subarray(0, -1), { mode: 0o600 })],
    ['empty', (file) => writeFileSync(file, '', { mode: 0o600 })],
    [
      'changed in a byte',
      (file) => {
        const bytes = readFileSync(file)
        bytes[bytes.length >> 1] = bytes[bytes.length >> 1]! ^ 1
        writeFileSync(file, bytes)
      },
    ],
    [
      'of another layer',
      (file) => writeFileSync(file, readFileSync(path(kept().find((name) => path(name) !== file)!))),
    ],
    ['writable for others', (file) => chmodSync(file, 0o666)],
    [
      'a link to somewhere',
      (file) => {
        writeFileSync(join(folder, 'elsewhere'), readFileSync(file))
        rmSync(file)
        symlinkSync(join(folder, 'elsewhere'), file)
      },
    ],
  ]

  it.each(damages)('is as if it were not there when it is %s, and is made again', async (_how, damage) => {
    const [first] = await image()
    const before = await index()
    damage(path(first!.replace(':', '-')))
    const after = await index()
    expect(after.cachedLayers).toBe(2)
    expect(listed(after)).toEqual(listed(before))
    expect((await index()).cachedLayers).toBe(3)
  })

  it('is not believed, and takes no memory, where it has its hash and is none', async () => {
    const [first] = await image()
    await index()
    const file = path(first!.replace(':', '-'))
    // somebody who can hash: a record of 4 GiB
    const body = Buffer.concat([
      Buffer.from(`impound-layer-index 1 ${first}\n`),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
      Buffer.alloc(100),
      Buffer.alloc(12),
    ])
    writeFileSync(file, Buffer.concat([body, createHash('sha256').update(body).digest()]))
    const after = await index()
    expect([after.cachedLayers, after.tree.get('bin/big')?.size]).toEqual([0, 900_000])
  })

  it('is ours alone, and no more than there is room for', async () => {
    await image()
    await index()
    expect(statSync(join(folder, 'layers')).mode & 0o777).toBe(0o700)
    expect(kept().map((name) => statSync(path(name)).mode & 0o777)).toEqual([0o600, 0o600, 0o600])
    await image([[{ name: `n/${WEIRD}`, content: 'new' }]])
    await index(cache(600))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(kept().reduce((bytes, name) => bytes + statSync(path(name)).size, 0)).toBeLessThanOrEqual(600)
  })
})
