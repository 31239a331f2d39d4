import { buffer } from 'node:stream/consumers'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import type { Registry } from '../../src/model/ports/registry.js'
import { parseRegistryPolicy } from '../../src/registry/policy.js'
import { createRegistry } from '../../src/registry/registry.js'
import { FakeRegistry, sha256 } from './fake-registry.js'

const { signal } = new AbortController()
const LINUX = { os: 'linux', architecture: 'amd64' }
const INDEX = 'application/vnd.oci.image.index.v1+json'

let fake: FakeRegistry
let other: FakeRegistry
const notices: string[] = []

beforeEach(async () => {
  fake = await new FakeRegistry().start()
  other = await new FakeRegistry().start()
  notices.length = 0
})
afterEach(async () => {
  await fake.stop()
  await other.stop()
})

function registry(...more: string[]): Registry {
  return createRegistry({
    policy: parseRegistryPolicy([`registry.test=${fake.address}`, ...more]),
    timeoutMs: 5000,
    notice: (line) => notices.push(line),
  })
}

describe('resolving an image', () => {
  it('reads manifest and config of a tag and says where from', async () => {
    const { digest } = fake.image([Buffer.from('layer')], 'v1')
    const image = await registry().resolve('registry.test/shop/web:v1', LINUX, signal)
    expect(image.repository).toBe('registry.test/shop/web')
    expect(image.manifest?.descriptor.digest).toBe(digest)
    expect(image.manifest?.request).toBe(`GET ${fake.address}/v2/shop/web/manifests/v1`)
    expect(image.diffIds).toEqual([sha256(Buffer.from('layer'))])
    expect(image.layers).toHaveLength(1)
    expect(image.index).toBeUndefined()
    expect(notices).toEqual([expect.stringContaining('asking registry registry.test at 127.0.0.1')])
  })

  it('chooses by platform where the digest is that of an index', async () => {
    const arm = fake.image([Buffer.from('arm')], 'arm')
    const amd = fake.image([Buffer.from('amd')], 'amd')
    const entry = (of: object, architecture: string, os = 'linux'): object => ({
      mediaType: 'application/vnd.oci.image.manifest?.v1+json',
      ...of,
      platform: { os, architecture },
    })
    const index = fake.manifest(
      {
        schemaVersion: 2,
        mediaType: INDEX,
        manifests: [entry(amd, 'unknown', 'unknown'), entry(arm, 'arm64'), entry(amd, 'amd64')],
      },
      INDEX,
    )
    const reference = `registry.test/shop/web@${index.digest}`
    const image = await registry().resolve(reference, LINUX, signal)
    expect(image.index?.descriptor.digest).toBe(index.digest)
    expect(image.manifest?.descriptor.digest).toBe(amd.digest)
    await expect(
      registry().resolve(reference, { os: 'linux', architecture: 's390x' }, signal),
    ).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('linux/arm64, linux/amd64'),
    })
  })

  it.each([
    ['manifest', 'manifests'],
    ['config', 'blobs'],
  ])('refuses a %s whose bytes are not those of its digest', async (_what, kind) => {
    const { digest } = fake.image([Buffer.from('layer')])
    if (kind === 'manifests') {
      const stored = fake.manifests.get(digest)!
      fake.manifests.set(digest, {
        ...stored,
        bytes: Buffer.from(stored.bytes.toString().replace('"layers"', '"Layers"')),
      })
    } else {
      for (const [name, bytes] of fake.blobs) fake.blobs.set(name, Buffer.from(bytes).fill(0x20, 0, 1))
    }
    await expect(registry().resolve(`registry.test/shop/web@${digest}`, LINUX, signal)).rejects.toMatchObject(
      {
        code: 'integrity',
      },
    )
  })

  it('refuses a document that is index and manifest at once', async () => {
    const { digest } = fake.manifest({ schemaVersion: 2, manifests: [], layers: [], config: {} }, INDEX)
    await expect(registry().resolve(`registry.test/a@${digest}`, LINUX, signal)).rejects.toMatchObject({
      code: 'integrity',
    })
  })

  it.each([
    [{ schemaVersion: 1 }, 'unsupported'],
    [{ schemaVersion: 2 }, 'unsupported'],
    [{ schemaVersion: 2, config: { digest: '../../x', size: 1, mediaType: 'x' }, layers: [] }, 'integrity'],
  ])('does not read %j', async (manifest, code) => {
    const { digest } = fake.manifest(manifest, 'application/json')
    await expect(registry().resolve(`registry.test/a@${digest}`, LINUX, signal)).rejects.toMatchObject({
      code,
    })
  })

  it('stops reading a document at 4 MiB', async () => {
    fake.first = (_request, response) => {
      response.writeHead(200)
      response.end(Buffer.alloc(5 << 20))
      return true
    }
    await expect(registry().resolve('registry.test/a:b', LINUX, signal)).rejects.toMatchObject({
      code: 'too-big',
    })
  })

  it('says what is missing when there is no such image', async () => {
    await expect(registry().resolve('registry.test/a:b', LINUX, signal)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('a/manifests/b'),
    })
  })

  it('asks again when the registry is busy for a moment', async () => {
    fake.image([Buffer.from('x')])
    let refusals = 1
    fake.first = (_request, response) => {
      if (refusals-- <= 0) return false
      response.writeHead(429, { 'retry-after': '0' }).end()
      return true
    }
    await registry().resolve('registry.test/a', LINUX, signal)
    expect(notices.at(-1)).toContain('again')
  })

  it('gives up with a word at the deadline and at once on an abort', async () => {
    fake.first = () => true
    const slow = createRegistry({
      policy: parseRegistryPolicy([`registry.test=${fake.address}`]),
      timeoutMs: 100,
      notice: () => undefined,
    })
    await expect(slow.resolve('registry.test/a', LINUX, signal)).rejects.toMatchObject({ code: 'timeout' })
    await expect(slow.resolve('registry.test/a', LINUX, AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})

describe('tags', () => {
  it.each([true, false])('tells what a tag stands for now (HEAD carries a digest: %s)', async (announced) => {
    const { digest, size } = fake.image([Buffer.from('x')], 'v2')
    if (!announced) {
      fake.first = (request, response) => {
        if (request.method !== 'HEAD') return false
        response.writeHead(200).end()
        return true
      }
    }
    await expect(registry().digestOf('registry.test/a:v2', signal)).resolves.toMatchObject({ digest, size })
  })
})

describe('which registry is asked', () => {
  it('asks nobody that is not known and says how to allow it', async () => {
    const asked = registry()
    expect(asked.allows('evil.example/x:1')).toEqual({
      allowed: false,
      host: 'evil.example',
      why: expect.stringContaining('--registry evil.example'),
    })
    await expect(asked.resolve('evil.example/x:1', LINUX, signal)).rejects.toMatchObject({ code: 'refused' })
    await expect(asked.digestOf('evil.example/x:1', signal)).rejects.toMatchObject({ code: 'refused' })
    expect(asked.allows('nginx')).toMatchObject({ allowed: true, host: 'docker.io' })
    expect(asked.allows('no such!').allowed).toBe(false)
  })
})

describe('tokens', () => {
  it('answers a Bearer challenge by asking for pulling and nothing more', async () => {
    fake.image([Buffer.from('x')])
    fake.guard()
    await registry().resolve('registry.test/shop/web', LINUX, signal)
    const asked = fake.seen.find(({ url }) => url.startsWith('/token'))!
    expect(asked.authorization).toBeUndefined()
    expect(decodeURIComponent(asked.url)).toBe('/token?service=fake&scope=repository:shop/web:pull')
  })

  it('says that credentials are wanted where no token can be had', async () => {
    fake.first = (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    }
    await expect(registry().resolve('registry.test/a', LINUX, signal)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('basic'),
    })
  })

  it.each([
    'http://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/token',
    'https://[fe80::1]/',
    'ftp://x/',
    'https://u:p@127.0.0.1/',
  ])('does not ask the realm %s', async (realm) => {
    fake.image([Buffer.from('x')])
    fake.guard(realm)
    await expect(registry().resolve('registry.test/a', LINUX, signal)).rejects.toMatchObject({
      code: 'refused',
    })
  })
})

describe('blobs', () => {
  const bytes = Buffer.alloc(300_000, 'blob')

  async function read(descriptor: { digest: string; size: number }): Promise<Buffer> {
    const stream = await registry().blob(
      { repository: 'registry.test/a' },
      { mediaType: 'x', ...descriptor },
      signal,
    )
    return buffer(stream)
  }

  it('streams what the digest names', async () => {
    expect((await read(fake.blob(bytes))).equals(bytes)).toBe(true)
    const empty = fake.blob(Buffer.alloc(0))
    expect((await read(empty)).length).toBe(0)
  })

  it.each([
    ['other bytes', (stored: Buffer) => Buffer.alloc(stored.length, 'evil')],
    ['more bytes', (stored: Buffer) => Buffer.concat([stored, Buffer.from('!')])],
    ['fewer bytes', (stored: Buffer) => stored.subarray(1)],
  ])('fails at the end of %s', async (_what, change) => {
    const descriptor = fake.blob(bytes)
    fake.blobs.set(descriptor.digest, change(bytes))
    await expect(read(descriptor)).rejects.toMatchObject({ code: 'integrity' })
  })

  it.each([true, false])('goes on where the connection broke (Range is honoured: %s)', async (ranges) => {
    const descriptor = fake.blob(bytes)
    let breaks = 1
    fake.first = (request, response) => {
      if (breaks-- > 0) {
        response.writeHead(200, { 'content-length': bytes.length })
        response.write(bytes.subarray(0, 100_000), () => setTimeout(() => request.socket.destroy(), 50))
        return true
      }
      if (ranges) return false
      response.writeHead(200).end(bytes)
      return true
    }
    expect((await read(descriptor)).equals(bytes)).toBe(true)
    expect(fake.seen.map(({ range }) => range)).toEqual([undefined, 'bytes=100000-'])
  })

  it('follows a redirect to storage without taking the token along', async () => {
    const descriptor = fake.blob(bytes)
    other.blob(bytes)
    fake.guard()
    const guarded = fake.first
    fake.first = (request, response) => {
      if (guarded(request, response)) return true
      response.writeHead(307, { location: `${other.address}${request.url ?? ''}` }).end()
      return true
    }
    expect((await read(descriptor)).equals(bytes)).toBe(true)
    expect(other.seen).toEqual([expect.objectContaining({ method: 'GET', authorization: undefined })])
  })

  it.each(['http://169.254.169.254/', 'https://192.168.1.1/x', 'file:///etc/passwd'])(
    'does not follow a redirect to %s',
    async (location) => {
      const descriptor = fake.blob(bytes)
      fake.first = (_request, response) => {
        response.writeHead(302, { location }).end()
        return true
      }
      await expect(read(descriptor)).rejects.toMatchObject({ code: 'refused' })
    },
  )

  it('does not run in circles', async () => {
    const descriptor = fake.blob(bytes)
    fake.first = (request, response) => {
      response.writeHead(302, { location: request.url ?? '' }).end()
      return true
    }
    await expect(read(descriptor)).rejects.toMatchObject({ code: 'server' })
    expect(fake.seen.length).toBeLessThan(10)
  })
})
