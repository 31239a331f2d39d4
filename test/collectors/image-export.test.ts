import { createHash } from 'node:crypto'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { imageExportCollector } from '../../src/collectors/image-export.js'
import type { ImageExportDocument } from '../../src/model/image-document.js'
import { createRegistry, parseRegistryPolicy } from '../../src/registry/index.js'
import { FakeRegistry } from '../registry/fake-registry.js'
import { collectContext, type ContainerFacts, LINUX_NODE, targetOf } from './collect-context.js'
import { MemorySink } from './memory-sink.js'
import { objections } from './schema.js'

let fake: FakeRegistry
beforeEach(async () => {
  fake = await new FakeRegistry().start()
})
afterEach(() => fake.stop())

async function exported(
  containers: readonly Partial<ContainerFacts>[],
  maxImageBytes = 1 << 20,
  allowed = `registry.test=${fake.address}`,
): Promise<MemorySink> {
  const sink = new MemorySink()
  const registry = createRegistry({
    policy: parseRegistryPolicy([allowed]),
    timeoutMs: 5000,
    notice: () => undefined,
  })
  const options = { maxImageBytes }
  const target = targetOf(
    ...containers.map((container) => ({
      name: 'app',
      image: 'registry.test/shop/web:v1',
      imageID: '',
      ...container,
    })),
  )
  await imageExportCollector.collect(
    collectContext({ registry, sink, options, node: LINUX_NODE }),
    target,
    sink,
  )
  return sink
}

const idOf = (digest: string): string => `registry.test/shop/web@${digest}`
const blob = (digest: string): string => `image-export/blobs/${digest.replace(':', '/')}`

function document(sink: MemorySink): ImageExportDocument {
  const value = sink.json('image-export.json')
  expect(objections('image-export.v1', value)).toEqual([])
  return value as ImageExportDocument
}

function blobsOf(sink: MemorySink): readonly string[] {
  return [...sink.files.keys()].filter((name) => name.startsWith('image-export/blobs/'))
}

describe('the export of images', () => {
  it('keeps manifest, configuration and layers as the registry has them, in an OCI layout', async () => {
    const { digest, size } = fake.image([Buffer.from('base'), Buffer.from('top')], 'v1')
    const sink = await exported([{ imageID: idOf(digest) }])
    expect(sink.json('image-export/oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' })
    expect(sink.json('image-export/index.json')).toMatchObject({
      schemaVersion: 2,
      manifests: [{ digest, size, annotations: { 'org.opencontainers.image.ref.name': 'app' } }],
    })
    const manifest = sink.json(blob(digest)) as {
      readonly config: { readonly digest: string }
      readonly layers: readonly { readonly digest: string }[]
    }
    const wanted = [digest, manifest.config.digest, ...manifest.layers.map((layer) => layer.digest)]
    expect(blobsOf(sink).toSorted()).toEqual(wanted.map(blob).toSorted())
    for (const name of blobsOf(sink)) {
      const bytes = sink.files.get(name) ?? Buffer.alloc(0)
      expect(name).toBe(`image-export/blobs/sha256/${createHash('sha256').update(bytes).digest('hex')}`)
    }
    expect(document(sink).images).toEqual([
      expect.objectContaining({ names: ['app'], image: idOf(digest), layers: 2, whole: true }),
    ])
    expect(sink.rows.map(({ subject, status }) => `${subject}: ${status}`)).toEqual([
      'image of app layer 1: collected',
      'image of app layer 2: collected',
      'image of app: collected',
    ])
  })

  it('keeps what containers share once', async () => {
    const shared = fake.image([Buffer.from('base'), Buffer.from('app')], 'v1')
    const other = fake.image([Buffer.from('base'), Buffer.from('other')], 'v2')
    const sink = await exported([
      { name: 'app', imageID: idOf(shared.digest) },
      { name: 'twin', imageID: idOf(shared.digest) },
      { name: 'other', imageID: idOf(other.digest) },
    ])
    const base = fake.seen.filter(({ url }) => url.includes('/blobs/')).map(({ url }) => url)
    // both configurations are asked for with each container that has them, layers once
    expect(new Set(base).size).toBe(5)
    expect(blobsOf(sink)).toHaveLength(7)
    expect(document(sink).images.map(({ containers }) => containers)).toEqual([['app', 'twin'], ['other']])
    const { manifests } = sink.json('image-export/index.json') as { readonly manifests: readonly object[] }
    expect(manifests).toHaveLength(3)
  })

  it('does not list an image of which a layer is not what its digest says', async () => {
    const good = fake.image([Buffer.from('good')], 'v2')
    const { digest } = fake.image([Buffer.from('base'), Buffer.from('top')], 'v1')
    const layers = (
      JSON.parse(fake.manifests.get(digest)!.bytes.toString('utf8')) as {
        layers: { digest: string; size: number }[]
      }
    ).layers
    const forged = Buffer.alloc(layers[1]!.size, 'x')
    fake.blobs.set(layers[1]!.digest, forged)
    const sink = await exported([
      { imageID: idOf(digest) },
      { name: 'fine', image: 'registry.test/shop/web:v2', imageID: idOf(good.digest) },
    ])
    expect(sink.rows.map(({ subject, status }) => `${subject}: ${status}`)).toEqual([
      'image of app layer 1: collected',
      'image of app layer 2: partial',
      'image of app: failed',
      'image of fine layer 1: collected',
      'image of fine: collected',
    ])
    expect(document(sink).images[0]).toMatchObject({
      whole: false,
      why: expect.stringContaining(`layer ${layers[1]!.digest}`),
    })
    const { manifests } = sink.json('image-export/index.json') as { manifests: { digest: string }[] }
    expect(manifests.map((one) => one.digest)).toEqual([good.digest])
    expect(sink.records.get(blob(layers[1]!.digest))?.status).toBe('partial')
    expect(sink.files.has(blob(digest))).toBe(false)
  })

  it('keeps the other images where two have a layer that is not what its digest says', async () => {
    const good = fake.image([Buffer.from('good')], 'v1')
    const one = fake.image([Buffer.from('shared'), Buffer.from('one')], 'v2')
    const two = fake.image([Buffer.from('shared'), Buffer.from('two')], 'v3')
    const last = fake.image([Buffer.from('last')], 'v4')
    const { layers } = JSON.parse(fake.manifests.get(one.digest)!.bytes.toString('utf8')) as {
      layers: { digest: string; size: number }[]
    }
    fake.blobs.set(layers[0]!.digest, Buffer.alloc(layers[0]!.size, 'x'))
    const sink = await exported(
      [good, one, two, last].map(({ digest }, index) => ({ name: `c${index}`, imageID: idOf(digest) })),
    )
    expect(document(sink).images.map(({ whole }) => whole)).toEqual([true, false, false, true])
    const { manifests } = sink.json('image-export/index.json') as { manifests: { digest: string }[] }
    expect(manifests.map(({ digest }) => digest)).toEqual([good.digest, last.digest])
    expect(sink.row('image of c2')).toMatchObject({
      status: 'failed',
      reason: sink.row('image of c1')?.reason,
    })
  })

  it('keeps an image whose manifest another one passes off as a layer', async () => {
    const plain = fake.image([Buffer.from('plain')], 'v1')
    const { bytes } = fake.manifests.get(plain.digest)!
    fake.blobs.set(plain.digest, bytes)
    const other = fake.image([Buffer.from('other')], 'v2')
    const manifest = JSON.parse(fake.manifests.get(other.digest)!.bytes.toString('utf8')) as {
      layers: object[]
    }
    manifest.layers[0] = { ...manifest.layers[0], ...plain }
    const odd = fake.manifest(manifest, 'application/vnd.oci.image.manifest.v1+json', 'v2')
    const sink = await exported([
      { name: 'odd', imageID: idOf(odd.digest) },
      { name: 'plain', imageID: idOf(plain.digest) },
    ])
    expect(document(sink).images.map(({ whole }) => whole)).toEqual([true, true])
    expect(sink.files.get(blob(plain.digest))).toEqual(bytes)
    expect(sink.row('image of plain')?.detail).toContain('here already')
  })

  it('takes no image that is bigger than may be kept, and says the flag', async () => {
    const { digest } = fake.image([Buffer.from('base')], 'v1')
    const sink = await exported([{ imageID: idOf(digest) }], 10)
    expect(sink.rows).toEqual([
      expect.objectContaining({ subject: 'image of app', status: 'failed', reason: 'too-big' }),
    ])
    expect(blobsOf(sink)).toEqual([])
    expect(document(sink).images[0]).toMatchObject({ whole: false })
    expect(sink.files.has('image-export/index.json')).toBe(false)
  })

  it('says of a layer that registries don’t keep that it is one', async () => {
    const { digest } = fake.image([Buffer.from('base')], 'v1')
    const manifest = JSON.parse(fake.manifests.get(digest)!.bytes.toString('utf8')) as {
      layers: { mediaType: string; digest: string }[]
    }
    manifest.layers[0]!.mediaType = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
    fake.blobs.delete(manifest.layers[0]!.digest)
    const foreign = fake.manifest(manifest, 'application/vnd.oci.image.manifest.v1+json', 'v1')
    const sink = await exported([{ imageID: idOf(foreign.digest) }])
    expect(sink.row('image of app')?.detail).toContain('of those that registries don’t keep')
  })

  it('asks no registry that may not be asked', async () => {
    const { digest } = fake.image([Buffer.from('base')], 'v1')
    const sink = await exported([{ imageID: idOf(digest) }], 1 << 20, 'never')
    expect(sink.rows).toEqual([expect.objectContaining({ status: 'skipped', reason: 'not-allowed' })])
    expect(fake.seen).toEqual([])
    expect([...sink.files.keys()]).toEqual([])
  })
})
