import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import { podPath } from '../../src/model/api-path.js'
import { connect, type ConnectOptions, type KubeConnection } from '../../src/kube/connect.js'
import {
  Bench,
  FixtureServer,
  hastyClock,
  json,
  kubeconfigFor,
  makeCertificate,
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
const open = (more: Partial<ConnectOptions>): Promise<KubeConnection> =>
  connect({
    requestTimeoutMs: 60_000,
    clock: hastyClock(),
    random: (bytes) => Buffer.alloc(bytes),
    notice: (line) => bench.notices.push(line),
    env: {},
    ...more,
  })

/** A kubeconfig of one context. */
function config(name: string, url = 'https://127.0.0.1:1', more: object = {}): string {
  return JSON.stringify({
    clusters: [{ name, cluster: { server: url } }],
    users: [{ name, user: { token: name } }],
    contexts: [{ name, context: { cluster: name, user: name, ...more } }],
    'current-context': name,
  })
}

describe('which cluster it is', () => {
  it('is that of the file named, before all others', async () => {
    const folder = await bench.folder()
    await writeFile(join(folder, 'a'), config('a'))
    await writeFile(join(folder, 'b'), config('b'))
    const connection = await open({ kubeconfig: join(folder, 'a'), env: { KUBECONFIG: join(folder, 'b') } })
    expect(connection.reader.facts.context).toBe('a')
  })

  it('is found in all files of KUBECONFIG: the first to name a thing wins, one that is missing is passed over', async () => {
    const folder = await bench.folder()
    const [a, b] = [join(folder, 'a'), join(folder, 'b')]
    await writeFile(a, config('same', 'https://first:1', { namespace: 'one' }))
    await writeFile(
      b,
      JSON.stringify({
        clusters: [{ name: 'same', cluster: { server: 'https://second:1' } }],
        contexts: [
          { name: 'same', context: { cluster: 'same', user: 'same', namespace: 'two' } },
          { name: 'other', context: { cluster: 'same', user: 'same', namespace: 'three' } },
        ],
        'current-context': 'other',
      }),
    )
    const env = { KUBECONFIG: [join(folder, 'none'), a, b].join(delimiter) }
    expect((await open({ env })).reader.facts).toMatchObject({
      context: 'same',
      url: 'https://first:1',
      namespace: 'one',
    })
    expect((await open({ env, context: 'other' })).reader.facts).toMatchObject({
      url: 'https://first:1',
      namespace: 'three',
    })
    expect((await open({ env, namespace: 'flag' })).reader.facts.namespace).toBe('flag')
  })

  it('is that of ~/.kube/config where nothing else is said', async () => {
    const home = await bench.folder()
    await mkdir(join(home, '.kube'))
    await writeFile(join(home, '.kube', 'config'), config('home'))
    const { reader } = await open({ env: { HOME: home } })
    expect(reader.facts).toMatchObject({ context: 'home', namespace: 'default' })
  })

  it.each<[string, string, Partial<ConnectOptions>, RegExp, RegExp]>([
    ['an unknown context', config('a'), { context: 'b' }, /no context "b"/, /contexts are: a/],
    ['no current context', config('a').replace('current-context', 'x'), {}, /no current/, /contexts are: a/],
    [
      'a context without its cluster',
      config('a').replace('"clusters"', '"x"'),
      {},
      /cluster "a"/,
      /Looked at/,
    ],
    ['a context without its user', config('a').replace('"users"', '"x"'), {}, /user "a"/, /Looked at/],
    ['what is no YAML', 'a: [', {}, /can't be read/, /config view/],
    ['what is no kubeconfig', '"text"', {}, /No kubeconfig|no current context/, /Looked at|Name one/],
    ['an odd server', config('a', 'ftp://x'), {}, /no http or https URL/, /config view/],
  ])('is not known from %s, and says what there is', async (_name, text, more, message, hint) => {
    const file = join(await bench.folder(), 'config')
    await writeFile(file, text)
    await expect(open({ kubeconfig: file, ...more })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringMatching(message),
      hints: expect.arrayContaining([expect.stringMatching(hint)]),
    })
  })

  it('is not known without any kubeconfig, nor from a file that is missing', async () => {
    const home = await bench.folder()
    await expect(open({ env: { HOME: home } })).rejects.toMatchObject({ code: 'configuration' })
    await expect(open({ kubeconfig: join(home, 'none') })).rejects.toMatchObject({
      code: 'configuration',
      message: expect.stringContaining('no such file'),
    })
  })

  it('never quotes a kubeconfig that it can not read', async () => {
    const file = join(await bench.folder(), 'config')
    await writeFile(file, 'users:\n- name: a\n  user: {token: "secret-token\n')
    const error: unknown = await open({ kubeconfig: file }).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'configuration' })
    expect(JSON.stringify([String(error), error])).not.toContain('secret-token')
  })
})

describe('who we are', () => {
  it.each([
    [{ username: 'u', password: 'p' }, { authorization: 'Basic dTpw' }],
    [
      { token: 't', as: 'jane' },
      { authorization: 'Bearer t', 'impersonate-user': 'jane' },
    ],
  ])('is said as the kubeconfig has it: %j', async (user, headers) => {
    await list(await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate, user)))
    expect(server.seen[0]!.headers).toMatchObject(headers)
  })

  it('is who --as and --as-group name', async () => {
    const text = kubeconfigFor(server.url, certificate.authority.certificate)
    const connection = await bench.connect(text, { as: 'jane', asGroups: ['a', 'b'] })
    await list(connection)
    expect(server.seen[0]!.headers).toMatchObject({ 'impersonate-user': 'jane', 'impersonate-group': 'a, b' })
    expect(connection.reader.facts.impersonating).toBe('jane')
  })

  it('can not be groups alone', async () => {
    const text = kubeconfigFor(server.url, undefined)
    await expect(bench.connect(text, { asGroups: ['a'] })).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('a credential plugin', () => {
  async function plugin(script: string, more: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const command = join(await bench.folder(), 'plugin')
    await writeFile(command, `#!/bin/sh\n${script}\n`)
    await chmod(command, 0o755)
    return { exec: { apiVersion: 'client.authentication.k8s.io/v1', command, ...more } }
  }
  const credential = (token: string): string =>
    `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'${token}'"}}'`
  const connectAs = async (user: Readonly<Record<string, unknown>>, more = {}): Promise<KubeConnection> =>
    bench.connect(kubeconfigFor(server.url, certificate.authority.certificate, user), more)

  it('gives the token, runs once for many requests, and what it says is seen', async () => {
    const user = await plugin(`echo "Opening browser" >&2; ${credential('from-$NAME')}`, {
      env: [{ name: 'NAME', value: 'plugin' }],
    })
    const connection = await connectAs(user)
    await Promise.all([list(connection), list(connection)])
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer from-plugin',
      'Bearer from-plugin',
    ])
    expect(bench.notices).toEqual([expect.stringMatching(/plugin: Opening browser$/)])
  })

  it('is told what client-go tells it', async () => {
    const file = join(await bench.folder(), 'info')
    const user = await plugin(`echo "$KUBERNETES_EXEC_INFO" > ${file}; ${credential('x')}`, {
      provideClusterInfo: true,
    })
    await list(await connectAs(user))
    const info: unknown = JSON.parse(await readFile(file, 'utf8'))
    expect(info).toMatchObject({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: server.url } },
    })
  })

  it('runs again, once, when its token is not accepted any more', async () => {
    const count = join(await bench.folder(), 'count')
    const user = await plugin(`echo x >> ${count}; ${credential('$(wc -l < ' + count + ' | tr -d " ")')}`)
    server.answer = ({ headers }, response) =>
      headers.authorization === 'Bearer 2'
        ? json(response, 200, { kind: 'PodList' })
        : json(response, 401, status(401, 'Unauthorized'))
    await list(await connectAs(user))
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
  })

  it('runs again for an exec too, which had not begun', async () => {
    const count = join(await bench.folder(), 'count')
    const user = await plugin(`echo x >> ${count}; ${credential('$(wc -l < ' + count + ' | tr -d " ")')}`)
    server.answer = (_q, response) => {
      server.socket = (socket) => {
        socket.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"status":"Success"}')]))
        socket.close(1000)
      }
      json(response, 401, status(401, 'Unauthorized'))
    }
    const { exec } = await connectAs(user)
    const sinks = { stdout: new Collecting(), stderr: new Collecting() }
    const limits = { signal: never, stallTimeoutMs: 5_000, maxBytes: 10 }
    const outcome = await exec.exec({ namespace: 'a', pod: 'b', container: 'c' }, ['id'], sinks, limits)
    expect(outcome.exitCode).toBe(0)
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 2'])
  })

  it('whose tokens are never accepted ends as unauthorized', async () => {
    server.answer = (_q, response) => json(response, 401, status(401, 'Unauthorized'))
    await expect(list(await connectAs(await plugin(credential('x'))))).rejects.toMatchObject({
      code: 'unauthorized',
      hints: expect.arrayContaining([expect.stringContaining('"fixture"')]),
    })
    expect(server.seen).toHaveLength(2)
  })

  it.each<[string, string, object, RegExp]>([
    ['fails', 'echo "no session: log in" >&2; exit 3', {}, /failed \(3\)/],
    ['prints no JSON', 'echo secret-half', {}, /printed no JSON/],
    [
      'gives nothing',
      `echo '{"apiVersion":"client.authentication.k8s.io/v1","status":{}}'`,
      {},
      /neither a token/,
    ],
    ['speaks another version', `echo '{"apiVersion":"v9"}'`, {}, /answered in v9/],
    ['prints without end', 'yes', {}, /more than a credential/],
    ['needs a terminal', 'true', { interactiveMode: 'Always' }, /needs a terminal/],
    ['is not there', 'true', { command: '/nowhere/plugin', installHint: 'Get it.' }, /can't be started/],
  ])('that %s is an error of the configuration', async (_name, script, more, message) => {
    const failed = list(await connectAs(await plugin(script, more)))
    const error: unknown = await failed.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'configuration', message: expect.stringMatching(message) })
    expect(JSON.stringify([String(error), error])).not.toContain('secret-half')
    expect(server.seen).toEqual([])
  })

  it('that hangs ends with the request, and with the connection', async () => {
    const connection = await connectAs(await plugin('exec sleep 60'))
    const failed = connection.reader.get(podPath('shop'), { signal: AbortSignal.timeout(100) })
    await expect(failed).rejects.toMatchObject({ code: 'timeout' })
  })
})

describe('a server that can not be reached', () => {
  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'does not listen',
      async () => {
        const gone = await new FixtureServer(certificate).listen()
        const { url } = gone
        await gone.close()
        return kubeconfigFor(url, certificate.authority.certificate)
      },
      /nothing listens/,
    ],
    [
      'has an unknown CA',
      async () => kubeconfigFor(server.url, (await makeCertificate()).authority.certificate),
      /CA/,
    ],
    [
      'has an unknown CA where none is given',
      async () => kubeconfigFor(server.url, undefined),
      /CA that is not known/,
    ],
    [
      'has another name',
      async () =>
        kubeconfigFor(
          server.url,
          certificate.authority.certificate,
          {},
          { 'tls-server-name': 'api.example' },
        ),
      /another name/,
    ],
    ['has no such host', async () => kubeconfigFor('https://does-not-exist.invalid', undefined), /name/],
  ])('because it %s is named in words', async (_name, text, message) => {
    const connection = await bench.connect(await text())
    await expect(list(connection)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(message),
      hints: [expect.any(String)],
    })
    const sinks = { stdout: new Collecting(), stderr: new Collecting() }
    const where = { namespace: 'a', pod: 'b', container: 'c' }
    const limits = { signal: never, stallTimeoutMs: 1000, maxBytes: 10 }
    await expect(connection.exec.exec(where, ['id'], sinks, limits)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringMatching(message),
    })
  })

  it.each([
    [-1000, /expired/],
    [1000, /not valid yet/],
  ])('because its certificate is off by %i days is named in words', async (offset, message) => {
    const off = await makeCertificate(offset)
    const other = await new FixtureServer(off).listen()
    try {
      await expect(
        list(await bench.connect(kubeconfigFor(other.url, off.authority.certificate))),
      ).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringMatching(message),
      })
    } finally {
      await other.close()
    }
  })

  it('is reached without a check where the kubeconfig wants it, and that is said', async () => {
    await list(
      await bench.connect(kubeconfigFor(server.url, undefined, {}, { 'insecure-skip-tls-verify': true })),
    )
    expect(bench.notices).toEqual([expect.stringContaining('insecure-skip-tls-verify')])
  })

  it('that speaks no TLS is named in words', async () => {
    const plain = createServer((_q, response) => response.end('hello'))
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    try {
      const url = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`
      await expect(list(await bench.connect(kubeconfigFor(url, undefined)))).rejects.toMatchObject({
        code: 'unreachable',
        message: expect.stringMatching(/TLS/),
      })
    } finally {
      plain.close()
    }
  })
})
