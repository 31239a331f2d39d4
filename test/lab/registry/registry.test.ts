import { createHash } from 'node:crypto'

import { afterEach, describe, expect, it } from '@jest/globals'

import type { LabRegistry } from '../../../src/lab/registry/registry.js'
import { startLabRegistry } from '../../../src/lab/registry/registry.js'
import type { LabImage } from '../../../src/lab/types.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'

const blob = Buffer.from('0123456789')
const manifest = Buffer.from('{"schemaVersion":2}')
const index = Buffer.from('{"schemaVersion":2,"manifests":[]}')
const image: LabImage = {
  repository: 'team/app',
  tags: { '1.0': digestOf(manifest), multi: digestOf(index) },
  manifests: new Map([
    [digestOf(manifest), { mediaType: MANIFEST, bytes: manifest }],
    [digestOf(index), { mediaType: INDEX, bytes: index }],
  ]),
  blobs: new Map([[digestOf(blob), blob]]),
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

let registry: LabRegistry | undefined
afterEach(async () => registry?.close())

async function start(options: { token?: string } = {}): Promise<LabRegistry> {
  registry = await startLabRegistry([image], options)
  return registry
}

describe('the lab registry', () => {
  it('answers the ping, and says which API it is', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/v2/`)
    expect([response.status, response.headers.get('docker-distribution-api-version')]).toEqual([
      200,
      'registry/2.0',
    ])
  })

  it.each([
    ['a tag', '1.0'],
    ['its digest', digestOf(manifest)],
  ])('gives a manifest by %s, byte for byte, with digest and media type', async (_by, reference) => {
    const { url } = await start()
    const response = await fetch(`${url}/v2/team/app/manifests/${reference}`, {
      headers: { accept: MANIFEST },
    })
    expect(response.headers.get('content-type')).toBe(MANIFEST)
    expect(response.headers.get('docker-content-digest')).toBe(digestOf(manifest))
    expect(Buffer.from(await response.arrayBuffer())).toEqual(manifest)
  })

  it('answers HEAD with the length and without the body', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/v2/team/app/manifests/1.0`, { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe(String(manifest.length))
    expect(await response.text()).toBe('')
  })

  it('does not give an index to a client that accepts only manifests', async () => {
    const { url } = await start()
    const [refused, given] = await Promise.all(
      [MANIFEST, `${MANIFEST}, ${INDEX};q=0.5`].map((accept) =>
        fetch(`${url}/v2/team/app/manifests/multi`, { headers: { accept } }),
      ),
    )
    expect([refused?.status, given?.status]).toEqual([404, 200])
  })

  it.each([
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=0-1,4-5', 200, '0123456789', null],
    ['bytes=-', 200, '0123456789', null],
  ])('answers a blob request with Range %s by %i', async (range, status, body, contentRange) => {
    const { url } = await start()
    const response = await fetch(`${url}/v2/team/app/blobs/${digestOf(blob)}`, { headers: { range } })
    expect([response.status, await response.text(), response.headers.get('content-range')]).toEqual([
      status,
      body,
      contentRange,
    ])
  })

  it.each([
    ['/v2/team/app/manifests/2.0', 404, 'MANIFEST_UNKNOWN'],
    ['/v2/team/app/manifests/toString', 404, 'MANIFEST_UNKNOWN'],
    [`/v2/team/app/blobs/sha256:${'0'.repeat(64)}`, 404, 'BLOB_UNKNOWN'],
    ['/v2/team/other/manifests/1.0', 404, 'NAME_UNKNOWN'],
    ['/v2/team/app/tags/all', 404, 'UNSUPPORTED'],
    ['/v2/%zz', 404, 'UNSUPPORTED'],
    ['/', 404, 'UNSUPPORTED'],
  ])("says of %s that it is not there, in the registry's own shape", async (path, status, code) => {
    const { url } = await start()
    const response = await fetch(`${url}${path}`)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ errors: [{ code }] })
  })

  it('lists tags, takes no writes, and keeps what it was asked', async () => {
    const lab = await start()
    const tags = await fetch(`${lab.url}/v2/team/app/tags/list?n=5`)
    const push = await fetch(`${lab.url}/v2/team/app/manifests/1.0`, { method: 'PUT', body: 'x' })
    expect(await tags.json()).toEqual({ name: 'team/app', tags: ['1.0', 'multi'] })
    expect(push.status).toBe(405)
    expect(lab.requests).toMatchObject([
      { method: 'GET', path: '/v2/team/app/tags/list?n=5', status: 200 },
      { method: 'PUT', path: '/v2/team/app/manifests/1.0', status: 405 },
    ])
  })

  it('with a token set, challenges first and serves whoever fetched one', async () => {
    const { url } = await start({ token: 'abc' })
    const path = `${url}/v2/team/app/manifests/1.0`
    const refused = await fetch(path)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer realm="${url}/token",service="lab-registry",scope="repository:team/app:pull"`,
    )
    const { token } = (await (await fetch(`${url}/token`)).json()) as { token: string }
    const served = await fetch(path, { headers: { authorization: `Bearer ${token}` } })
    expect(served.status).toBe(200)
  })

  it('is gone once it is closed', async () => {
    const lab = await start()
    const { url } = lab
    await fetch(`${url}/v2/`)
    await lab.close()
    await expect(fetch(`${url}/v2/`)).rejects.toThrow()
  })
})
