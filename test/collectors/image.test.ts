import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import { imageCollector } from '../../src/collectors/image.js'
import type { ImageDocument } from '../../src/model/image-document.js'
import type { Registry } from '../../src/model/ports/registry.js'
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

function registry(): Registry {
  return createRegistry({
    policy: parseRegistryPolicy([`registry.test=${fake.address}`]),
    timeoutMs: 5000,
    notice: () => undefined,
  })
}

async function collect(
  container: Partial<ContainerFacts>,
  node: object | null = LINUX_NODE,
): Promise<MemorySink> {
  const sink = new MemorySink()
  const target = targetOf({ name: 'app', image: 'registry.test/shop/web:v1', imageID: '', ...container })
  const parts = { registry: registry(), sink, ...(node === null ? {} : { node }) }
  await imageCollector.collect(collectContext(parts), target, sink)
  return sink
}

function document(sink: MemorySink): ImageDocument {
  const value = sink.json('image/app/image.json')
  expect(objections('image.v1', value)).toEqual([])
  return value as ImageDocument
}

describe('the image collector', () => {
  it('needs to know the node and changes nothing', () => {
    const options = collectContext({ registry: registry(), sink: new MemorySink() }).options
    expect(imageCollector.requirements(options, targetOf())).toEqual({
      access: [{ verb: 'get', group: '', resource: 'nodes' }],
      impact: 'read',
    })
  })

  it('keeps manifest and config byte for byte and says what they are', async () => {
    const { digest } = fake.image([Buffer.from('a'), Buffer.from('b')], 'v1')
    const sink = await collect({ imageID: `docker-pullable://registry.test/shop/web@${digest}` })
    expect(sink.files.get('image/app/manifest.json')?.equals(fake.manifests.get(digest)!.bytes)).toBe(true)
    expect(sink.records.get('image/app/config.json')?.source).toMatchObject({
      kind: 'registry',
      trust: 'registry-verified',
      request: expect.stringMatching(/^GET http:\/\/127.0.0.1:\d+\/v2\/shop\/web\/blobs\/sha256:/),
    })
    expect(document(sink)).toMatchObject({
      digest,
      registry: { repository: 'registry.test/shop/web', manifestDigest: digest, platform: 'linux/amd64' },
      tagNow: { tag: 'v1', digest, drifted: false },
      notes: [],
      derivedFrom: ['data/targets/t/image/app/manifest.json', 'data/targets/t/image/app/config.json'],
    })
    expect(document(sink).registry?.layers).toHaveLength(2)
    expect(document(sink).registry?.history).toEqual([
      { created: '2026-11-01T00:00:00Z', createdBy: 'COPY . /', emptyLayer: false },
    ])
    expect(sink.rows).toEqual([expect.objectContaining({ subject: 'image app', status: 'collected' })])
  })

  it('sees that the tag stands for another image now', async () => {
    const running = fake.image([Buffer.from('old')], 'v0')
    const now = fake.image([Buffer.from('new')], 'v1')
    const sink = await collect({ imageID: `registry.test/shop/web@${running.digest}` })
    expect(document(sink).tagNow).toEqual({ tag: 'v1', digest: now.digest, drifted: true })
    expect(document(sink).registry?.manifestDigest).toBe(running.digest)
  })

  it('does not ask a registry that is not known and says how to allow it', async () => {
    const imageID = `evil.example/x@sha256:${'a'.repeat(64)}`
    const sink = await collect({ image: 'evil.example/x:1', imageID })
    expect(sink.rows).toEqual([
      {
        subject: 'image app',
        status: 'skipped',
        reason: 'not-allowed',
        detail: 'registry evil.example is not known; allow it with --registry evil.example',
      },
    ])
    expect(document(sink)).toMatchObject({ reference: 'evil.example/x:1', imageID })
    expect(document(sink).registry).toBeUndefined()
    expect(fake.seen).toEqual([])
  })

  it('takes a bare config digest for what it is', async () => {
    fake.image([Buffer.from('a')], 'v1')
    const config = [...fake.blobs.keys()].find((digest) => fake.blobs.get(digest)!.includes('rootfs'))!
    const sink = await collect({ imageID: `docker://${config}` })
    expect(document(sink).registry?.configDigest).toBe(config)
    expect(document(sink).notes).toEqual([expect.stringContaining('digest of an image config')])
    fake.image([Buffer.from('another')], 'v1')
    const drifted = await collect({ imageID: `docker://${config}` })
    expect(drifted.row('image app')).toMatchObject({ status: 'failed', reason: 'target-gone' })
    expect(document(drifted).registry).toBeUndefined()
  })

  it('says that the platform is a guess where the node can not be read', async () => {
    const { digest } = fake.image([Buffer.from('a')], 'v1')
    const sink = await collect({ imageID: `registry.test/shop/web@${digest}` }, null)
    expect(document(sink).notes).toEqual([expect.stringContaining('guess')])
  })

  it('asks once for what two containers share', async () => {
    const { digest } = fake.image([Buffer.from('a')], 'v1')
    const sink = new MemorySink()
    const container = {
      image: `registry.test/shop/web@${digest}`,
      imageID: `registry.test/shop/web@${digest}`,
    }
    const target = targetOf({ name: 'a', ...container }, { name: 'b', ...container })
    await imageCollector.collect(
      collectContext({ registry: registry(), sink, node: LINUX_NODE }),
      target,
      sink,
    )
    expect(sink.rows.map(({ subject }) => subject)).toEqual(['image a', 'image b'])
    const asked = (what: RegExp): number => fake.seen.filter(({ url }) => what.test(url)).length
    expect([/\/manifests\/sha256:/, /\.sig$/, /\/referrers\//].map(asked)).toEqual([1, 1, 1])
  })
})
