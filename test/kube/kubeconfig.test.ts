import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import type { KubeConnection } from '../../src/kube/connect.js'
import { parseKubeconfig } from '../../src/kube/kubeconfig-file.js'
import { podPath } from '../../src/model/api-path.js'
import {
  Bench,
  FixtureServer,
  json,
  kubeconfigFor,
  makeCertificate,
  makeClientCertificate,
  type ServerCertificate,
  status,
} from './fixture-server.js'
import { Collecting } from './sinks.js'

const bench = new Bench()
const never = new AbortController().signal
let certificate: ServerCertificate
let server: FixtureServer

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  server = await new FixtureServer(certificate).listen()
  server.answer = (_q, response) => json(response, 200, { kind: 'PodList' })
})
afterEach(async () => {
  await bench.clear()
  await server.close()
})
afterAll(() => bench.clear())

const list = ({ reader }: KubeConnection): Promise<unknown> => reader.get(podPath('shop'), { signal: never })
const runId = ({ exec }: KubeConnection): Promise<unknown> =>
  exec.exec(
    { namespace: 'a', pod: 'b', container: 'c' },
    ['id'],
    { stdout: new Collecting(), stderr: new Collecting() },
    { signal: never, stallTimeoutMs: 5_000, maxBytes: 10 },
  )
const connectAs = (user: Readonly<Record<string, unknown>>, more = {}): Promise<KubeConnection> =>
  bench.connect(kubeconfigFor(server.url, certificate.authority.certificate, user), more)

describe('a kubeconfig', () => {
  it('is read as YAML is, with anchors, merges and scalars of every kind', () => {
    const text = `
clusters:
- {name: a, cluster: &c {server: 'https://a', insecure-skip-tls-verify: true, certificate-authority: ca.crt}}
- {name: b, cluster: {<<: *c, server: https://b, certificate-authority-data: QQ==, tls-server-name: 1}}
- {name: broken}
users:
- name: u
  user: {token: 0123, tokenFile: t, client-certificate: c.crt, client-key: /abs/k.key, as-groups: [1, g]}
contexts:
- {name: x, context: {cluster: a, user: u, namespace: }}
- {name: y}
current-context: x
`
    expect(parseKubeconfig('/home/me/.kube/config', text)).toEqual({
      clusters: [
        { name: 'a', server: 'https://a', skipTLSVerify: true, caFile: '/home/me/.kube/ca.crt' },
        { name: 'b', server: 'https://b', skipTLSVerify: true, caData: 'QQ==', tlsServerName: '1' },
      ],
      users: [
        {
          name: 'u',
          token: expect.any(String),
          tokenFile: '/home/me/.kube/t',
          certFile: '/home/me/.kube/c.crt',
          keyFile: '/abs/k.key',
          impersonate: { user: '', groups: ['1', 'g'], uid: '', extra: {} },
        },
      ],
      contexts: [{ name: 'x', cluster: 'a', user: 'u' }],
      current: 'x',
    })
  })

  it.each([
    ['an alias to nothing', 'users: *nobody'],
    [
      'aliases that multiply',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefg'
        .split('')
        .map((n, i) => `${n}: &${n} [${Array(9).fill(`*${'abcdef'[i]!}`).join(',')}]`)
        .join('\n')}`,
    ],
    ['a tab for an indent', 'users:\n\t- secret-token'],
  ])('with %s is refused, and nothing of it is quoted', (_name, text) => {
    expect(thrownBy(() => parseKubeconfig('/x', text))).toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(/^The kubeconfig \/x can't be read: (?!.*secret)/),
    })
  })
})

describe('whom we act as', () => {
  const user = {
    token: 't',
    as: 'jane',
    'as-uid': 'u-1',
    'as-groups': ['ops', 'dev'],
    'as-user-extra': { 'example.org/Scope': ['a', 'b'], 'x%': ['c'] },
  }
  const said = (): unknown =>
    Object.fromEntries(
      Object.entries(server.seen[0]!.headers).filter(([name]) => name.startsWith('impersonate')),
    )

  it('is said as the kubeconfig has it, whole', async () => {
    await list(await connectAs(user))
    expect(said()).toEqual({
      'impersonate-user': 'jane',
      'impersonate-uid': 'u-1',
      'impersonate-group': 'ops, dev',
      'impersonate-extra-example.org%2fscope': 'a, b',
      'impersonate-extra-x%25': 'c',
    })
  })

  it('is said to exec too', async () => {
    server.answer = (_q, response) => json(response, 404, status(404, 'gone'))
    await expect(runId(await connectAs(user))).rejects.toMatchObject({ code: 'not-found' })
    expect(said()).toMatchObject({ 'impersonate-user': 'jane', 'impersonate-group': 'ops, dev' })
  })

  it.each<[object, object]>([
    [{ as: 'joe' }, { 'impersonate-user': 'joe', 'impersonate-group': 'ops, dev' }],
    [{ asGroups: ['x'] }, { 'impersonate-user': 'jane', 'impersonate-group': 'x' }],
  ])('is changed by the flags %j where they say something, as kubectl does', async (flags, headers) => {
    await list(await connectAs(user, flags))
    expect(said()).toMatchObject(headers)
  })

  it.each([{ 'as-groups': ['ops'] }, { 'as-uid': 'u' }, { 'as-user-extra': { a: ['b'] } }])(
    'can not be %j of nobody',
    async (entry) => {
      await expect(connectAs({ token: 't', ...entry })).rejects.toMatchObject({ code: 'configuration' })
    },
  )
})

describe('a token file', () => {
  const tokens = (): unknown => server.seen.map(({ headers }) => headers.authorization)

  it('is found beside the kubeconfig, goes before the token, and is read again when it is rotated', async () => {
    const folder = await bench.folder()
    await writeFile(join(folder, 'token'), 'first\n')
    const file = join(folder, 'config')
    await writeFile(
      file,
      kubeconfigFor(server.url, certificate.authority.certificate, { token: 'old', tokenFile: 'token' }),
    )
    const connection = await bench.connect('', { kubeconfig: file })
    await list(connection)
    await writeFile(join(folder, 'token'), 'second')
    await list(connection)
    expect(tokens()).toEqual(['Bearer first', 'Bearer second'])
  })

  it.each<[string, (connection: KubeConnection) => Promise<unknown>]>([
    ['a read', list],
    ['an exec', runId],
  ])('is read once more for %s that it was too old for', async (_name, ask) => {
    const tokenFile = join(await bench.folder(), 'token')
    await writeFile(tokenFile, 'expired')
    server.answer = async ({ headers }, response) => {
      await writeFile(tokenFile, 'fresh')
      if (headers.authorization === 'Bearer expired') json(response, 401, status(401, 'Unauthorized'))
      else json(response, 404, status(404, 'gone'))
    }
    await expect(ask(await connectAs({ tokenFile }))).rejects.toMatchObject({ code: 'not-found' })
    expect(tokens()).toEqual(['Bearer expired', 'Bearer fresh'])
  })

  it('that can not be read gives way to the token, or is an error of the configuration', async () => {
    const tokenFile = join(await bench.folder(), 'none')
    await list(await connectAs({ tokenFile, token: 'instead' }))
    expect(tokens()).toEqual(['Bearer instead'])
    await expect(list(await connectAs({ tokenFile }))).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(tokenFile),
    })
    await writeFile(tokenFile, '\n')
    await expect(list(await connectAs({ tokenFile }))).rejects.toMatchObject({ code: 'configuration' })
  })
})

describe('a client certificate', () => {
  let strict: FixtureServer
  beforeEach(async () => {
    strict = await new FixtureServer(certificate, { clientCertificates: true }).listen()
    strict.answer = (_q, response, socket) =>
      json(response, 200, { kind: 'PodList', who: commonName(socket) })
    strict.socket = (socket, request) => {
      socket.send(Buffer.concat([Buffer.from([1]), Buffer.from(commonName(request.socket))]))
      socket.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"status":"Success"}')]))
      socket.close(1000)
    }
  })
  afterEach(() => strict.close())

  const whoAmI = async (user: Readonly<Record<string, unknown>>): Promise<readonly unknown[]> => {
    const folder = await bench.folder()
    const { certificate: cert, key } = await makeClientCertificate(certificate, 'jane')
    await writeFile(join(folder, 'me.crt'), cert)
    await writeFile(join(folder, 'me.key'), key)
    await writeFile(
      join(folder, 'config'),
      kubeconfigFor(strict.url, certificate.authority.certificate, user),
    )
    const connection = await bench.connect('', { kubeconfig: join(folder, 'config') })
    const { body } = await connection.reader.get(podPath('shop'), { signal: never })
    const stdout = new Collecting()
    const where = { namespace: 'a', pod: 'b', container: 'c' }
    const limits = { signal: never, stallTimeoutMs: 5_000, maxBytes: 100 }
    await connection.exec.exec(where, ['id'], { stdout, stderr: new Collecting() }, limits)
    return [JSON.parse(body.toString('utf8')) as unknown, stdout.text]
  }

  it('says who we are, to requests and execs, from files beside the kubeconfig', async () => {
    const who = await whoAmI({ 'client-certificate': 'me.crt', 'client-key': 'me.key' })
    expect(who).toEqual([{ kind: 'PodList', who: 'jane' }, 'jane'])
  })

  it('in the kubeconfig goes before the files that it names', async () => {
    const { certificate: cert, key } = await makeClientCertificate(certificate, 'joe')
    const base64 = (pem: string): string => Buffer.from(pem).toString('base64')
    const who = await whoAmI({
      'client-certificate': 'me.crt',
      'client-key': 'me.key',
      'client-certificate-data': base64(cert),
      'client-key-data': base64(key),
    })
    expect(who).toEqual([{ kind: 'PodList', who: 'joe' }, 'joe'])
  })

  it('that is asked for and not there ends the connection', async () => {
    await expect(whoAmI({ token: 't' })).rejects.toMatchObject({ code: 'unreachable' })
  })

  it('that is no certificate is an error of the configuration', async () => {
    const user = { 'client-certificate-data': 'QQ==', 'client-key-data': 'QQ==' }
    await expect(whoAmI(user)).rejects.toMatchObject({ code: 'configuration' })
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

function commonName(socket: unknown): string {
  return (socket as { getPeerCertificate(): { subject: { CN: string } } }).getPeerCertificate().subject.CN
}
