import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { indexImage } from '../../src/filesystem/image-index.js'
import { LayerCache } from '../../src/filesystem/layer-cache.js'
import type { Registry, ResolvedImage } from '../../src/model/ports/registry.js'
import { type ImageArchive, openImageArchive } from '../../src/registry/image-archive.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { tarOf } from '../filesystem/tars.js'
import { asDirectory, asTar, dockerArchive, type Layout, ociLayout } from './layouts.js'

const { signal } = new AbortController()
const LINUX = { os: 'linux', architecture: 'amd64' }
const WEB = 'registry.test/shop/web:1'
const OTHER = `sha256:${'a'.repeat(64)}`

let folder: string
let tars: readonly Buffer[]
const opened: ImageArchive[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'impound-archive-'))
  tars = [
    await tarOf([{ name: 'a', content: 'one' }]),
    await tarOf([
      { name: 'b', content: 'two' },
      { name: '.wh.a', content: '' },
    ]),
  ]
})
afterEach(async () => {
  for (const archive of opened.splice(0)) await archive.close()
  rmSync(folder, { recursive: true })
})

async function from(path: string): Promise<Registry> {
  const archive = await openImageArchive(path, signal)
  opened.push(archive)
  const policy = parseRegistryPolicy(['never'])
  return createRegistry({ policy, timeoutMs: 1000, notice: () => undefined, archives: [archive] })
}

async function paths(registry: Registry, image: ResolvedImage | undefined): Promise<readonly string[]> {
  const { tree } = await indexImage(registry, image!, new LayerCache(), { signal })
  return [...tree.paths()].map(([key]) => key).filter((key) => key !== '')
}

const forms: readonly (readonly [
  string,
  () => Promise<{ readonly path: string; readonly layout: Layout }>,
])[] = [
  ['an OCI layout', () => directory(ociLayout(tars))],
  ['a tar of an OCI layout', () => tar(ociLayout(tars))],
  ['a docker-archive', () => tar(dockerArchive(tars))],
  ['a docker-archive with packed layers', () => tar(packed(dockerArchive(tars)))],
]

function directory(layout: Layout): Promise<{ path: string; layout: Layout }> {
  return Promise.resolve({ path: asDirectory(layout, join(folder, 'layout')), layout })
}

async function tar(layout: Layout): Promise<{ path: string; layout: Layout }> {
  return { path: await asTar(layout, join(folder, 'image.tar')), layout }
}

function packed(layout: Layout): Layout {
  const files = [...layout.files].map(
    ([name, bytes]) => [name, name.endsWith('layer.tar') ? gzipSync(bytes) : bytes] as const,
  )
  return { ...layout, files: new Map(files) }
}

describe.each(forms)('%s', (_form, make) => {
  it('gives the image that a config digest names, and every file of it', async () => {
    const { path, layout } = await make()
    const registry = await from(path)
    const image = registry.archived({ digest: layout.configDigest, reference: 'another:2' }, LINUX)
    expect(image?.archive).toEqual({ path, matchedBy: 'config-digest' })
    expect(await paths(registry, image)).toEqual(['b'])
  })

  it('gives it by its name where no digest is known, and says so', async () => {
    const { path } = await make()
    const image = (await from(path)).archived({ digest: undefined, reference: WEB }, LINUX)
    expect(image?.archive?.matchedBy).toBe('name')
  })

  it('has nothing for another name, tag or platform', async () => {
    const { path, layout } = await make()
    const registry = await from(path)
    for (const reference of ['registry.test/shop/web:2', 'shop/web:1', 'registry.test/shop/web'])
      expect(registry.archived({ digest: undefined, reference }, LINUX)).toBeUndefined()
    const wanted = { digest: layout.configDigest, reference: WEB }
    expect(registry.archived(wanted, { os: 'linux', architecture: 'arm64' })).toBeUndefined()
  })

  it('is not believed where a layer is another than the config names', async () => {
    const evil = await tarOf([{ name: 'evil', content: 'x' }])
    const { path, layout } = await make()
    const files = [...layout.files].map(([name, bytes]) => {
      if (bytes.equals(tars[1]!)) return [name, evil] as const
      return bytes.equals(gzipSync(tars[1]!)) ? ([name, gzipSync(evil)] as const) : ([name, bytes] as const)
    })
    if (path.endsWith('.tar')) await asTar({ files: new Map(files) }, path)
    else asDirectory({ files: new Map(files) }, path)
    const registry = await from(path)
    const image = registry.archived({ digest: layout.configDigest, reference: WEB }, LINUX)
    await expect(paths(registry, image)).rejects.toMatchObject({ code: 'integrity' })
  })
})

describe('which image is taken for the one that runs', () => {
  it('is not one of another manifest, whatever it is called', async () => {
    const registry = await from((await tar(ociLayout(tars))).path)
    expect(registry.archived({ digest: OTHER, reference: WEB }, LINUX)).toBeUndefined()
  })

  it('may be one of that name where the archive can not know its manifest', async () => {
    const registry = await from((await tar(dockerArchive(tars))).path)
    const image = registry.archived({ digest: OTHER, reference: WEB }, LINUX)
    expect([image?.archive?.matchedBy, image?.manifest]).toEqual(['name', undefined])
  })
})

describe('an image archive is refused', () => {
  it.each<[string, (layout: Map<string, Buffer>) => void, string, RegExp]>([
    [
      'where a manifest has other bytes',
      (files) => swap(files, /schemaVersion.*config/),
      'integrity',
      /should/,
    ],
    ['where a config has other bytes', (files) => swap(files, /rootfs/), 'integrity', /should/],
    [
      'where index.json is no JSON',
      (files) => files.set('index.json', Buffer.from('{')),
      'integrity',
      /JSON/,
    ],
    ['where it is something else', (files) => files.delete('index.json'), 'unsupported', /neither/],
  ])('%s', async (_where, change, code, message) => {
    const files = new Map(ociLayout(tars).files)
    change(files)
    const path = asDirectory({ files }, join(folder, 'layout'))
    await expect(openImageArchive(path, signal)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  it('where a config is not what its name says', async () => {
    const { files } = dockerArchive(tars)
    const [name] = [...files.keys()]
    const path = await asTar(
      { files: new Map([...files, [name!, Buffer.from(files.get(name!)!.toString() + ' ')]]) },
      join(folder, 'x.tar'),
    )
    await expect(openImageArchive(path, signal)).rejects.toMatchObject({ code: 'integrity' })
  })

  it('where it is packed, is not there, or is no tar', async () => {
    const { path } = await tar(ociLayout(tars))
    writeFileSync(`${path}.gz`, gzipSync('x'))
    await expect(openImageArchive(`${path}.gz`, signal)).rejects.toMatchObject({
      code: 'unsupported',
      hints: [expect.stringContaining('gunzip')],
    })
    await expect(openImageArchive(join(folder, 'none'), signal)).rejects.toMatchObject({ code: 'usage' })
    writeFileSync(join(folder, 'text'), 'x'.repeat(5000))
    await expect(openImageArchive(join(folder, 'text'), signal)).rejects.toMatchObject({ code: 'integrity' })
  })

  it('that leads out of itself: its links are no files', async () => {
    const { files } = ociLayout(tars)
    const path = asDirectory(
      { files: new Map([...files].filter(([name]) => name !== 'index.json')) },
      join(folder, 'l'),
    )
    writeFileSync(join(folder, 'outside'), files.get('index.json')!)
    symlinkSync(join(folder, 'outside'), join(path, 'index.json'))
    await expect(openImageArchive(path, signal)).rejects.toMatchObject({ code: 'unsupported' })
  })
})

function swap(files: Map<string, Buffer>, which: RegExp): void {
  for (const [name, bytes] of files)
    if (name.startsWith('blobs/') && which.test(bytes.toString('latin1')))
      files.set(name, Buffer.concat([bytes, Buffer.from(' ')]))
}
