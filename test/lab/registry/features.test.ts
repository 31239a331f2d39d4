import { createHash } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'

import { afterEach, describe, expect, it } from '@jest/globals'

import type { LabFault } from '../../../src/lab/faults/fault.js'
import { Faults } from '../../../src/lab/faults/faults.js'
import {
  startLabRegistry,
  type LabRegistry,
  type LabRegistryOptions,
} from '../../../src/lab/registry/registry.js'
import { signed, withAttachment } from '../../../src/lab/shop/images/attach.js'
import { buildImage } from '../../../src/lab/shop/images/build.js'
import { LayerDraft } from '../../../src/lab/shop/images/draft.js'
import { asArray, asObject, asString, at, type JsonObject } from '../../../src/model/json.js'

const layers = (['gzip', 'zstd', 'none'] as const).map((compression) => ({
  createdBy: compression,
  compression,
  layer: new LayerDraft().file(`etc/${compression}`, compression.repeat(2000)).layer(),
}))
const built = buildImage({
  repository: 'team/mixed',
  tag: '1.0',
  platforms: [{ architecture: 'amd64', layers, config: {} }],
})
const manifest = JSON.parse(built.manifests.get(built.digest)!.bytes.toString()) as JsonObject
const descriptors = asArray(manifest.layers).map((layer) => asObject(layer)!)
const zstdLayer = asString(descriptors[1]?.digest) ?? ''
const sbom = withAttachment(signed(built), built.digest, {
  artifactType: 'application/spdx+json',
  layers: [{ mediaType: 'application/spdx+json', bytes: Buffer.from('{"spdxVersion":"SPDX-2.3"}') }],
})

let registry: LabRegistry | undefined
afterEach(async () => registry?.close())

async function start(
  options: LabRegistryOptions = {},
  faults: readonly LabFault[] = [],
): Promise<{ readonly url: string; readonly registry: LabRegistry; readonly faults: Faults }> {
  const laid = new Faults(faults)
  registry = await startLabRegistry([sbom], options, laid)
  return { url: `${registry.url}/v2/team/mixed`, registry, faults: laid }
}

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer())

describe('an image of mixed layers', () => {
  it('says of each layer how it is compressed', () => {
    expect(descriptors.map(({ mediaType }) => mediaType)).toEqual([
      'application/vnd.oci.image.layer.v1.tar+gzip',
      'application/vnd.oci.image.layer.v1.tar+zstd',
      'application/vnd.oci.image.layer.v1.tar',
    ])
  })

  it('has a zstd layer whose tar has the digest that the configuration says', async () => {
    const { url } = await start()
    const bytes = await bytesOf(await fetch(`${url}/blobs/${zstdLayer}`))
    const config = await (await fetch(`${url}/blobs/${String(at(manifest, 'config', 'digest'))}`)).json()
    expect(digestOf(zstdDecompressSync(bytes))).toBe(at(config, 'rootfs', 'diff_ids', 1))
  })
})

describe('what is attached to an image', () => {
  it.each([
    ['', ['application/vnd.dev.cosign.artifact.sig.v1+json', 'application/spdx+json'], null],
    ['?artifactType=application/spdx%2Bjson', ['application/spdx+json'], 'artifactType'],
  ])('is listed by the referrers API%s', async (query, types, filtered) => {
    const { url } = await start()
    const response = await fetch(`${url}/referrers/${built.digest}${query}`)
    const index = (await response.json()) as JsonObject
    expect(asArray(index.manifests).map((entry) => at(entry, 'artifactType'))).toEqual(types)
    expect(response.headers.get('content-type')).toBe('application/vnd.oci.image.index.v1+json')
    expect(response.headers.get('oci-filters-applied')).toBe(filtered)
  })

  it('is an empty index for what has nothing, and 404 where there is no such API', async () => {
    const { url } = await start()
    const none = await fetch(`${url}/referrers/sha256:${'0'.repeat(64)}`)
    expect(await none.json()).toMatchObject({ schemaVersion: 2, manifests: [] })
    await registry?.close()
    const old = await start({ referrers: false })
    expect((await fetch(`${old.url}/referrers/${built.digest}`)).status).toBe(404)
  })

  it("is found by cosign's tag", async () => {
    const { url } = await start()
    const response = await fetch(`${url}/manifests/${built.digest.replace(':', '-')}.sig`)
    expect(at(await response.json(), 'subject', 'digest')).toBe(built.digest)
  })
})

describe('a redirect to storage', () => {
  it('leads to another host and port, where the blob is, whole and in ranges', async () => {
    const { url, registry: lab } = await start({ redirectBlobs: true, token: 'abc' })
    const first = await fetch(`${url}/blobs/${zstdLayer}`, {
      headers: { authorization: 'Bearer abc' },
      redirect: 'manual',
    })
    const location = first.headers.get('location') ?? ''
    expect([first.status, new URL(location).host === new URL(lab.url).host]).toEqual([307, false])
    expect(digestOf(await bytesOf(await fetch(location)))).toBe(zstdLayer)
    const part = await fetch(location, { headers: { range: 'bytes=0-3' } })
    expect([part.status, (await bytesOf(part)).length]).toEqual([206, 4])
    expect(lab.requests.map(({ server, status }) => [server, status])).toEqual([
      ['registry', 307],
      ['storage', 200],
      ['storage', 206],
    ])
    expect(lab.requests[0]?.headers.authorization).toBe('Bearer abc')
  })

  it('whose Authorization is carried along is refused there', async () => {
    const { url } = await start({ redirectBlobs: true })
    const { headers } = await fetch(`${url}/blobs/${zstdLayer}`, { redirect: 'manual' })
    const location = headers.get('location') ?? ''
    const carried = await fetch(location, { headers: { authorization: 'Bearer abc' } })
    expect([carried.status, (await carried.text()).includes('Only one auth mechanism allowed')]).toEqual([
      400,
      true,
    ])
    expect((await fetch(location.replace(/\?.*/, ''))).status).toBe(403)
  })

  it('is not given for a blob that is not there', async () => {
    const { url } = await start({ redirectBlobs: true })
    const response = await fetch(`${url}/blobs/sha256:${'0'.repeat(64)}`, { redirect: 'manual' })
    expect(response.status).toBe(404)
  })
})

describe('a fault of the registry', () => {
  const blob = /\/blobs\//

  it('gives a blob other bytes than its digest says', async () => {
    const { url, faults } = await start({}, [{ match: { path: blob }, effect: { kind: 'corrupt', at: 5 } }])
    const response = await fetch(`${url}/blobs/${zstdLayer}`)
    expect(response.headers.get('docker-content-digest')).toBe(zstdLayer)
    expect(digestOf(await bytesOf(response))).not.toBe(zstdLayer)
    expect(digestOf(await bytesOf(await fetch(`${url}/blobs/${zstdLayer}`)))).toBe(zstdLayer)
    expect(faults.unfired()).toEqual([])
  })

  it('limits the rate, in its own shape', async () => {
    const effect = { kind: 'status', code: 429, retryAfterSeconds: 7 } as const
    const { url } = await start({}, [{ match: { server: 'registry', path: /manifests/ }, effect }])
    const response = await fetch(`${url}/manifests/1.0`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await response.json()).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] })
  })

  it('lets the token expire: the next one is another', async () => {
    const { url, registry: lab } = await start({ token: 'abc' }, [
      { match: { path: blob }, effect: { kind: 'token-expired' }, after: 1 },
    ])
    const codes: number[] = []
    const get = async (token: string): Promise<void> => {
      const headers = { authorization: `Bearer ${token}` }
      codes.push((await fetch(`${url}/blobs/${zstdLayer}`, { headers })).status)
    }
    await get('abc')
    await get('abc')
    const { token } = (await (await fetch(`${lab.url}/token`)).json()) as { token: string }
    await get('abc')
    await get(token)
    expect([codes, token]).toEqual([[200, 401, 401, 200], 'abc-2'])
  })

  it.each([
    [{ kind: 'drop-after', bytes: 10 }, 'terminated'],
    [{ kind: 'reset' }, 'fetch failed'],
    [{ kind: 'close-without-status' }, 'fetch failed'],
    [{ kind: 'refused', ms: 50 }, 'fetch failed'],
  ] as const)('breaks a download: %j', async (effect, message) => {
    const { url, registry: lab } = await start({}, [{ match: { path: blob }, effect }])
    await expect(fetch(`${url}/blobs/${zstdLayer}`).then(bytesOf)).rejects.toThrow(message)
    expect(lab.requests.at(-1)?.fault).toBe(effect.kind)
  })

  it('slows a download', async () => {
    const size = Number(descriptors[1]?.size)
    const effect = { kind: 'slow', bytesPerSecond: size * 5 } as const
    const { url } = await start({}, [{ match: { path: blob }, effect }])
    const before = Date.now()
    expect((await bytesOf(await fetch(`${url}/blobs/${zstdLayer}`))).length).toBe(size)
    expect(Date.now() - before).toBeGreaterThanOrEqual(150)
  })

  it.each([
    ['HEAD', { kind: 'truncate', bytes: 1 }, 'the answer to HEAD has no body'],
    ['GET', { kind: 'token-expired' }, 'the registry asks for no token'],
  ] as const)('of a %s that can not have it is reported', async (method, effect, why) => {
    const { url, faults } = await start({}, [{ match: { path: blob }, effect }])
    expect((await fetch(`${url}/blobs/${zstdLayer}`, { method })).status).toBe(200)
    expect(faults.unfired()[0]?.why).toContain(why)
  })
})
