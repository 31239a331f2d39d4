import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import type { KubeConnection } from '../../src/kube/connect.js'
import { podPath } from '../../src/model/api-path.js'
import { connectProxy, type FixtureProxy, socksProxy } from './fixture-proxies.js'
import {
  Bench,
  FixtureServer,
  json,
  kubeconfigFor,
  makeCertificate,
  type ServerCertificate,
} from './fixture-server.js'
import { Collecting } from './sinks.js'

/** No name server knows it: only by a proxy that looks names up itself can it be reached. */
const HOST = 'api.far.invalid'

const bench = new Bench()
const never = new AbortController().signal
let certificate: ServerCertificate
let server: FixtureServer
let proxy: FixtureProxy | undefined

beforeAll(async () => {
  certificate = await makeCertificate(0, { value: HOST })
})
beforeEach(async () => {
  proxy = undefined
  server = await new FixtureServer(certificate).listen()
  server.answer = (_q, response) => json(response, 200, { kind: 'PodList' })
  server.socket = (socket) => {
    socket.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"status":"Success"}')]))
    socket.close(1000)
  }
})
afterEach(async () => {
  await bench.clear()
  await server.close()
  await proxy?.close()
})
afterAll(() => bench.clear())

const far = (): string => server.url.replace('127.0.0.1', HOST)
const config = (cluster = {}): string => kubeconfigFor(far(), certificate.authority.certificate, {}, cluster)
const list = ({ reader }: KubeConnection): Promise<unknown> => reader.get(podPath('shop'), { signal: never })
const runId = ({ exec }: KubeConnection): Promise<unknown> =>
  exec.exec(
    { namespace: 'a', pod: 'b', container: 'c' },
    ['id'],
    { stdout: new Collecting(), stderr: new Collecting() },
    { signal: never, stallTimeoutMs: 5_000, maxBytes: 10 },
  )

describe('a proxy', () => {
  it.each<[string, () => Promise<FixtureProxy>, string]>([
    ['http', () => connectProxy(), 'http://'],
    ['http with a password', () => connectProxy('me:p@ss'), 'http://me:p%40ss@'],
    ['socks5', socksProxy, 'socks5://'],
    ['socks5h', socksProxy, 'socks5h://'],
  ])(
    'of the kubeconfig (%s) carries requests and execs, and hides no certificate',
    async (_n, open, scheme) => {
      proxy = await open()
      const connection = await bench.connect(config({ 'proxy-url': `${scheme}${proxy.address}` }))
      await list(connection)
      await runId(connection)
      const host = new URL(far()).host
      expect(proxy.asked).toEqual([host, host])
      expect(connection.reader.facts.tlsChainSha256()).toHaveLength(2)
    },
  )

  it('of the environment carries both, but for what NO_PROXY names', async () => {
    proxy = await connectProxy()
    const env = { HTTPS_PROXY: proxy.address }
    const connection = await bench.connect(config(), { env })
    await list(connection)
    await runId(connection)
    expect(proxy.asked).toHaveLength(2)
    const past = await bench.connect(config(), { env: { ...env, NO_PROXY: '.invalid' } })
    await expect(list(past)).rejects.toMatchObject({ code: 'unreachable' })
    await expect(runId(past)).rejects.toMatchObject({ code: 'unreachable' })
    expect(proxy.asked).toHaveLength(2)
  })
})

describe('a proxy that does not let us through', () => {
  it.each<[string, (connection: KubeConnection) => Promise<unknown>]>([
    ['a read', list],
    ['an exec', runId],
  ])('because it wants a password is named for %s, without any password', async (_name, ask) => {
    proxy = await connectProxy('me:right')
    const env = { https_proxy: `http://me:wrong@${proxy.address}` }
    const error: unknown = await ask(await bench.connect(config(), { env })).catch((cause: unknown) => cause)
    expect(error).toMatchObject({
      code: 'unreachable',
      message: `${far()} can't be reached through the proxy http://${proxy.address} (https_proxy): the proxy wants a user and a password.`,
      hints: expect.arrayContaining(['The proxy comes from https_proxy.']),
    })
    expect(JSON.stringify([String(error), error])).not.toContain('wrong')
  })

  it.each<[string, (connection: KubeConnection) => Promise<unknown>]>([
    ['a read', list],
    ['an exec', runId],
  ])('because it is not there is named for %s', async (_name, ask) => {
    const gone = await connectProxy()
    await gone.close()
    const connection = await bench.connect(config({ 'proxy-url': `http://${gone.address}` }))
    await expect(ask(connection)).rejects.toMatchObject({
      code: 'unreachable',
      message: expect.stringContaining(
        `http://${gone.address} (proxy-url in the kubeconfig): nothing listens`,
      ),
    })
  })
})
