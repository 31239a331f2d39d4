import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'

import type { Registry } from '../../src/model/ports/registry.js'
import type { CredentialSource } from '../../src/registry/credential.js'
import { credentialFor } from '../../src/registry/credential.js'
import { openDockerConfig } from '../../src/registry/docker-config.js'
import { parseRegistryPolicy } from '../../src/registry/policy.js'
import { pullSecret } from '../../src/registry/pull-secret.js'
import { createRegistry } from '../../src/registry/registry.js'
import { FakeRegistry } from './fake-registry.js'

const { signal } = new AbortController()
const LINUX = { os: 'linux', architecture: 'amd64' }
const basicHeader = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
const auth = (name: string, password: string): { auth: string } => ({
  auth: Buffer.from(`${name}:${password}`).toString('base64'),
})

let fake: FakeRegistry
let folder: string
const environment = (): Record<string, string> => ({
  PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`,
})
const notices: string[] = []

beforeEach(async () => {
  fake = await new FakeRegistry().start()
  fake.image([Buffer.from('x')])
  folder = mkdtempSync(join(tmpdir(), 'impound-credentials-'))
  notices.length = 0
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  await fake.stop()
})

function registry(...credentials: readonly CredentialSource[]): Registry {
  return createRegistry({
    policy: parseRegistryPolicy([`registry.test=${fake.address}`]),
    timeoutMs: 5000,
    credentials,
    notice: (line) => notices.push(line),
  })
}

/** Lets in whoever shows this header, and challenges everybody else. */
function wants(authorization: string, challenge: string): void {
  fake.first = (request, response) => {
    if (request.headers.authorization === authorization) return false
    response.writeHead(401, { 'www-authenticate': challenge }).end()
    return true
  }
}

function config(value: unknown): Promise<CredentialSource> {
  const file = join(folder, 'config.json')
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))
  return openDockerConfig(file, { env: environment(), deadlineMs: 1500 })
}

/** A credential helper, as a shell script. */
function helper(name: string, script: string): void {
  const file = join(folder, `docker-credential-${name}`)
  writeFileSync(file, `#!/bin/sh\n${script}\n`)
  chmodSync(file, 0o755)
}

const here = (): string => new URL(fake.address).host
const resolve = (asked: Registry): Promise<unknown> => asked.resolve('registry.test/shop/web', LINUX, signal)

describe('a registry that wants a name and a password', () => {
  it('is shown those of the docker configuration, and only once it asks', async () => {
    wants(basicHeader('jo', 'pa:ss'), 'Basic realm="x"')
    const source = await config({ auths: { [here()]: auth('jo', 'pa:ss') } })
    await expect(resolve(registry(source))).resolves.toMatchObject({
      credentials: 'the docker configuration',
    })
    expect(fake.seen[0]?.authorization).toBeUndefined()
    expect(notices).toContain('registry registry.test is shown credentials from the docker configuration')
  })

  it('is not shown what is kept for another host', async () => {
    wants(basicHeader('jo', 'x'), 'Basic realm="x"')
    const source = await config({
      auths: { 'registry.test': auth('jo', 'x'), 'other.test': auth('jo', 'x') },
    })
    // the mirror stands in the place of registry.test: what opens the one must not go to the other
    await expect(resolve(registry(source))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('none are known'),
    })
    expect(fake.seen.every(({ authorization }) => authorization === undefined)).toBe(true)
  })

  it('says whose credentials it does not take', async () => {
    wants(basicHeader('jo', 'new'), 'Basic realm="x"')
    const source = await config({ auths: { [here()]: auth('jo', 'old') } })
    await expect(resolve(registry(source))).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('does not take the credentials from the docker configuration'),
      hints: expect.arrayContaining([expect.stringContaining('--use-pull-secrets')]),
    })
  })
})

describe('a registry that sends to a token service', () => {
  it('gets a token for which the name and the password were shown there, not here', async () => {
    fake.guard()
    const guarded = fake.first
    fake.first = (request, response) => {
      const isToken = (request.url ?? '').startsWith('/token')
      if (isToken && request.headers.authorization !== basicHeader('jo', 'x')) {
        response.writeHead(401).end()
        return true
      }
      return guarded(request, response)
    }
    await expect(resolve(registry())).rejects.toMatchObject({ code: 'forbidden' })
    await resolve(registry(await config({ auths: { [`https://${here()}/v1/`]: auth('jo', 'x') } })))
    const shown = fake.seen.filter(({ authorization }) => authorization?.startsWith('Basic') === true)
    expect(shown.map(({ url }) => url.split('?')[0])).toEqual(['/token'])
  })

  it('gets one for a refresh token, which stands in no address', async () => {
    let form = ''
    fake.guard()
    const guarded = fake.first
    fake.first = (request, response) => {
      if (request.method !== 'POST') return guarded(request, response)
      request.on('data', (chunk: Buffer) => (form += chunk.toString()))
      request.on('end', () => guarded(request, response))
      return true
    }
    await resolve(registry(await config({ auths: { [here()]: { identitytoken: 're fresh' } } })))
    expect(Object.fromEntries(new URLSearchParams(form))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'impound',
      refresh_token: 're fresh',
      service: 'fake',
      scope: 'repository:shop/web:pull',
    })
    expect(fake.seen.some(({ url }) => url.includes('fresh'))).toBe(false)
  })

  it('gets nothing in the clear that leaves this machine', async () => {
    const source = await config({ auths: { [here()]: auth('jo', 'x') } })
    wants('nothing', 'Bearer realm="http://10.1.2.3/token"')
    await expect(resolve(registry(source))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('plain http'),
    })
  })
})

describe('a credential helper', () => {
  it('is asked for the host that is asked', async () => {
    wants(basicHeader('helped', 'secret'), 'Basic realm="x"')
    helper('lab', `read host; test "$host" = "${here()}" && echo '{"Username":"helped","Secret":"secret"}'`)
    await resolve(registry(await config({ credHelpers: { [here()]: 'lab' } })))
    helper('lab', `echo '{"Username":"helped","Secret":"secret"}'`)
    await resolve(registry(await config({ credsStore: 'lab' })))
  })

  it.each([
    ['knows of none', "echo 'credentials not found in native keychain'; exit 1", undefined],
    ['fails', "printf 'no \\033[31mkeyring' >&2; exit 3", /ends with status 3: no/],
    ['says nonsense', 'echo hello', /gives no credentials that we understand/],
    ['never answers', 'exec sleep 30', /gave no answer in 1.5 s/],
    ['floods', 'yes x | head -c 3000000; yes x | head -c 3000000 >&2', /gives no credentials/],
  ])('that %s leaves the registry unopened, and is told of', async (_how, script, told) => {
    wants('nothing', 'Basic realm="x"')
    helper('lab', script)
    const asked = registry(await config({ credsStore: 'lab' }))
    await expect(resolve(asked)).rejects.toMatchObject({ code: 'forbidden' })
    const said = notices.filter((line) => line.includes('docker configuration'))
    expect(said.join('\n').length).toBeLessThan(600)
    if (told === undefined) expect(said).toEqual([])
    else expect(said.join('\n')).toMatch(told)
  })

  it('is no path and no other program', async () => {
    wants('nothing', 'Basic realm="x"')
    const asked = registry(await config({ credsStore: '../../bin/sh' }))
    await expect(resolve(asked)).rejects.toMatchObject({ code: 'forbidden' })
    expect(notices.join('\n')).toContain('is no name of a credential helper')
  })
})

describe('a pull secret', () => {
  const secret = (document: unknown): unknown => ({
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify(document)).toString('base64') },
  })

  it('is read when the registry first asks, and once', async () => {
    let reads = 0
    const source = pullSecret('regcred', () => {
      reads += 1
      return Promise.resolve(secret({ auths: { [here()]: auth('kubelet', 'k') } }))
    })
    await resolve(registry(source))
    expect(reads).toBe(0)
    wants(basicHeader('kubelet', 'k'), 'Basic realm="x"')
    const asked = registry(source)
    await expect(resolve(asked)).resolves.toMatchObject({ credentials: 'the pull secret regcred' })
    await resolve(asked)
    expect(reads).toBe(1)
  })

  it('starts no program of this machine', async () => {
    wants('nothing', 'Basic realm="x"')
    helper('lab', `touch ${folder}/started; echo '{"Username":"a","Secret":"b"}'`)
    const source = pullSecret('evil', () =>
      Promise.resolve(secret({ credsStore: 'lab', credHelpers: { [here()]: 'lab' } })),
    )
    await expect(resolve(registry(source))).rejects.toMatchObject({ code: 'forbidden' })
    expect(() => rmSync(join(folder, 'started'))).toThrow('ENOENT')
  })

  it('that may not be read is passed over with a word', async () => {
    wants(basicHeader('b', 'b'), 'Basic realm="x"')
    const refused = pullSecret('first', () => Promise.reject(new Error('secrets is forbidden')))
    const legacy = pullSecret('second', () =>
      Promise.resolve({
        data: {
          '.dockercfg': Buffer.from(JSON.stringify({ [here()]: { username: 'b', password: 'b' } })).toString(
            'base64',
          ),
        },
      }),
    )
    await resolve(registry(refused, legacy))
    expect(notices.join('\n')).toContain('secrets is forbidden')
  })
})

describe('which entry opens a repository', () => {
  const entry = (place: string): Parameters<typeof credentialFor>[0][number] => ({
    place,
    credential: { kind: 'bearer', token: place },
  })

  it.each([
    ['registry.test', ['registry.test'], 'registry.test'],
    ['registry.test', ['https://registry.test/v2/'], 'https://registry.test/v2/'],
    ['registry.test', ['registry.test', 'registry.test/shop'], 'registry.test/shop'],
    ['registry.test', ['registry.test/sho'], undefined],
    ['registry.test', ['registry.test/other', '*.test'], '*.test'],
    ['a.b.test', ['*.test'], undefined],
    ['registry.test:5000', ['registry.test'], undefined],
    ['evil-registry.test', ['registry.test'], undefined],
    ['12.dkr.ecr.us.amazonaws.com', ['*.dkr.ecr.*.amazonaws.com'], '*.dkr.ecr.*.amazonaws.com'],
    ['docker.io', ['https://index.docker.io/v1/'], 'https://index.docker.io/v1/'],
    ['docker.io', ['other', '*.io'], undefined],
  ])('at %s, of %j', (server, places, expected) => {
    const found = credentialFor(places.map(entry), server, 'shop/web')
    expect(found === undefined ? undefined : (found as { token: string }).token).toBe(expected)
  })
})

describe('a docker configuration', () => {
  it.each([
    ['is no JSON', '{'],
    ['is no JSON object', '[]'],
  ])('that %s is a fault of configuration', async (how, text) => {
    await expect(config(text)).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(how),
    })
  })

  it('that is not there is one, too', async () => {
    await expect(openDockerConfig(join(folder, 'none'), { env: {}, deadlineMs: 1 })).rejects.toMatchObject({
      code: 'configuration',
    })
  })
})
