import { createHash, X509Certificate } from 'node:crypto'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import { podPath } from '../../src/model/api-path.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { KubeReader } from '../../src/model/ports/kube-reader.js'
import {
  type Answer,
  Bench,
  FixtureServer,
  json,
  kubeconfigFor,
  makeCertificate,
  type ServerCertificate,
  status,
} from './fixture-server.js'

const bench = new Bench()
const never = new AbortController().signal
let certificate: ServerCertificate
let server: FixtureServer
let reader: KubeReader

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  server = await new FixtureServer(certificate).listen()
  const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate))
  reader = connection.reader
})
afterEach(async () => {
  await bench.clear()
  await server.close()
})
afterAll(() => bench.clear())

const pods = podPath('shop')
const read = (): Promise<unknown> => reader.get(pods, { signal: never })

/** Answers by turns; the last one stays. */
function inTurn(...answers: readonly Answer[]): Answer {
  let turn = 0
  return (...args) => answers[Math.min(turn++, answers.length - 1)]!(...args)
}

const good: Answer = (_request, response) => json(response, 200, { kind: 'PodList', items: [] })

describe('a read', () => {
  it('gives the body byte for byte, with what was asked and when', async () => {
    const body = '{ "kind":"PodList",\n "unknownField" : 1.50, "text":"\\u00e9é" }\n'
    server.answer = (_request, response) => json(response, 200, body)
    const response = await reader.get(pods, { signal: never, query: { labelSelector: 'a=b' } })
    expect(response.body.equals(Buffer.from(body))).toBe(true)
    expect(response).toMatchObject({
      method: 'GET',
      path: '/api/v1/namespaces/shop/pods?labelSelector=a%3Db',
      status: 200,
    })
    expect(Date.parse(response.endedAt)).toBeGreaterThanOrEqual(Date.parse(response.startedAt))
    expect(server.seen[0]).toMatchObject({
      url: response.path,
      headers: { 'audit-id': response.auditId, authorization: 'Bearer secret-token' },
    })
    expect(response.auditId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  })

  it('asks for a hostile name without letting it reach another path', async () => {
    server.answer = good
    await reader.get(podPath('shop', '../../secrets?x=#'), { signal: never })
    await expect(reader.get(podPath('shop', '..'), { signal: never })).rejects.toMatchObject({
      code: 'usage',
    })
    expect(server.seen.map(({ url }) => url)).toEqual([
      '/api/v1/namespaces/shop/pods/..%2F..%2Fsecrets%3Fx%3D%23',
    ])
  })

  it('says of a selector that the server can not read how one is written', async () => {
    server.answer = (_q, r) =>
      json(r, 400, status(400, "unable to parse requirement: found '', expected: ','"))
    const query = { labelSelector: 'app in (' }
    const first = reader.list(pods, { signal: never, query })[Symbol.asyncIterator]().next()
    await expect(first).rejects.toMatchObject({
      code: 'usage',
      httpStatus: 400,
      message: expect.stringMatching(/selector "app in \(".*unable to parse/),
      hints: [expect.stringContaining("'app in (a,b)'")],
    })
  })

  it.each<[string, Answer, string, RegExp]>([
    ['401', (_q, r) => json(r, 401, status(401, 'Unauthorized')), 'unauthorized', /Unauthorized/],
    [
      '403 of RBAC',
      (_q, r) => json(r, 403, status(403, 'pods is forbidden: User "me" cannot list resource "pods"')),
      'forbidden',
      /cannot list/,
    ],
    ['404', (_q, r) => json(r, 404, status(404, 'pods "x" not found')), 'not-found', /not found/],
    ['404 in plain text', (_q, r) => r.writeHead(404).end('404 page not found\n'), 'not-found', /404 page/],
    ['409', (_q, r) => json(r, 409, status(409, 'changed')), 'conflict', /changed/],
    ['410', (_q, r) => json(r, 410, status(410, 'too old')), 'gone', /too old/],
    ['422', (_q, r) => json(r, 422, status(422, 'is invalid')), 'invalid', /is invalid/],
    ['400', (_q, r) => json(r, 400, status(400, 'no such thing')), 'invalid', /no such thing/],
    ['408', (_q, r) => json(r, 408, status(408, 'took too long')), 'timeout', /too long/],
    [
      '400 of a server that wants HTTPS',
      (_q, r) => r.writeHead(400).end('Client sent an HTTP request to an HTTPS server.\n'),
      'configuration',
      /speaks HTTPS/,
    ],
    ['418', (_q, r) => json(r, 418, status(418, 'teapot')), 'invalid', /teapot/],
    [
      'a page of HTML',
      (_q, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>'),
      'server',
      /not whole JSON/,
    ],
    [
      'a page of HTML with 403',
      (_q, r) => r.writeHead(403, { 'content-type': 'text/html' }).end('<html>no</html>'),
      'server',
      /no Kubernetes API/,
    ],
    [
      'a redirect',
      (_q, r) => r.writeHead(302, { location: 'https://login/' }).end(),
      'server',
      /no Kubernetes/,
    ],
    ['JSON cut by a proxy', (_q, r) => json(r, 200, '{"kind":"PodLi'), 'server', /not whole JSON/],
    [
      'an encoding nobody asked for',
      (_q, r) => json(r, 200, 'x', { 'content-encoding': 'gzip' }),
      'server',
      /encoding/,
    ],
  ])('says %s as what it is', async (_name, answer, code, message) => {
    server.answer = answer
    const error: unknown = await read().catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) })
    expect(server.seen).toHaveLength(1)
  })

  it('names the missing right in the words of RBAC', async () => {
    server.answer = (_q, r) =>
      json(r, 403, status(403, 'User "me" cannot list resource "pods" in API group ""'))
    await expect(read()).rejects.toMatchObject({
      hints: ['Ask for the right: list pods in shop.', expect.stringContaining('--as')],
    })
  })

  it('does not call a refusal by admission a missing right', async () => {
    server.answer = (_q, r) =>
      json(r, 403, status(403, 'pods "x" is forbidden: violates PodSecurity "restricted"'))
    await expect(read()).rejects.toMatchObject({ hints: [expect.stringContaining('no missing right')] })
  })

  it.each<[string, Answer]>([
    [
      'a content-length that is not reached',
      (_q, response, socket) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{"kind":')
        setTimeout(() => socket.destroy(), 20)
      },
    ],
    [
      'chunks without the last one',
      (_q, response, socket) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.write('{"kind":"PodList"}')
        setTimeout(() => socket.end(), 20)
      },
    ],
    [
      'a body that ends with its connection',
      (_q, _response, socket) => {
        socket.end(
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{"kind":"PodList"}',
        )
      },
    ],
  ])('is cut by %s, after three tries', async (_name, answer) => {
    server.answer = answer
    await expect(read()).rejects.toMatchObject({ code: 'cut' })
    expect(server.seen).toHaveLength(3)
  })

  it('stops at its bound instead of holding what a server sends without end', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 0x20)
    server.answer = (_q, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    }
    await expect(read()).rejects.toMatchObject({ code: 'too-big' })
  })

  it('ends with its deadline, also in the middle of a body', async () => {
    const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate), {
      requestTimeoutMs: 150,
    })
    server.answer = (_q, response) => void response.writeHead(200, { 'content-length': '10' }).write('{')
    await expect(connection.reader.get(pods, { signal: never })).rejects.toMatchObject({ code: 'timeout' })
    expect(server.seen).toHaveLength(1)
  })

  it('ends with its signal, and with the error that the signal carries', async () => {
    server.answer = () => undefined
    const plain = new AbortController()
    const phase = new AbortController()
    const reads = [plain, phase].map(({ signal }) => reader.get(pods, { signal }))
    setTimeout(() => {
      plain.abort()
      phase.abort(new ImpoundError('timeout', 'The budget is spent.'))
    }, 50)
    await expect(reads[0]).rejects.toMatchObject({ code: 'aborted' })
    await expect(reads[1]).rejects.toMatchObject({ code: 'timeout', message: 'The budget is spent.' })
  })
})

describe('asking again', () => {
  it('waits as long as a 429 says, and tells', async () => {
    server.answer = inTurn((_q, r) => json(r, 429, status(429, 'slow'), { 'retry-after': '2' }), good)
    await read()
    expect(bench.slept).toEqual([2000])
    expect(bench.notices).toEqual(['list pods in shop: the server is busy (429); again in 2 s.'])
  })

  it.each([
    ['tells what priority and fairness made of it where bugs are looked for', { IMPOUND_DEBUG: '1' }, 1],
    ['keeps that to itself otherwise', {}, 0],
  ])('%s', async (_name, env, lines) => {
    const fairness = { 'x-kubernetes-pf-flowschema-uid': 'f-1', 'x-kubernetes-pf-prioritylevel-uid': 'p-1' }
    let busy = true
    server.answer = (_q, response) => {
      if (busy) json(response, 429, status(429, 'slow'), { 'retry-after': '1', ...fairness })
      else json(response, 200, { kind: 'PodList' })
      busy = false
    }
    const text = kubeconfigFor(server.url, certificate.authority.certificate)
    const connection = await bench.connect(text, { env })
    await connection.reader.get(podPath('shop'), { signal: new AbortController().signal })
    const told = bench.notices.filter((line) => line.includes('f-1') && line.includes('p-1'))
    expect(told).toHaveLength(lines)
    expect(bench.notices).toContain('list pods in shop: the server is busy (429); again in 1 s.')
  })

  it('does not wait for what a 429 asks beyond reason', async () => {
    server.answer = (_q, r) => json(r, 429, status(429, 'slow'), { 'retry-after': '3600' })
    await expect(read()).rejects.toMatchObject({ code: 'throttled' })
    expect(bench.slept).toEqual([])
  })

  it('tries a failing server three times', async () => {
    server.answer = (_q, r) => json(r, 503, status(503, 'etcd is away'))
    await expect(read()).rejects.toMatchObject({ code: 'server', httpStatus: 503 })
    expect(bench.slept).toEqual([300, 1200])
  })

  it('tries again after a connection that was reset', async () => {
    server.answer = inTurn((_q, _r, socket) => void socket.destroy(), good)
    await read()
    expect(server.seen).toHaveLength(2)
    expect(new Set(server.seen.map(({ headers }) => headers['audit-id'])).size).toBe(2)
  })
})

describe('a list', () => {
  it('asks page by page until there is no more', async () => {
    const pages: Record<string, object> = {
      '': { kind: 'PodList', metadata: { continue: 'a/b=' }, items: [1] },
      'a/b=': { kind: 'PodList', metadata: {}, items: [2] },
    }
    server.answer = ({ url }, r) =>
      json(r, 200, pages[new URL(url, 'x:/').searchParams.get('continue') ?? ''])
    const bodies = []
    for await (const page of reader.list(pods, { signal: never, query: { fieldSelector: 'x' } }))
      bodies.push(JSON.parse(page.body.toString()))
    expect(bodies).toMatchObject([{ items: [1] }, { items: [2] }])
    expect(server.seen.map(({ url }) => new URL(url, 'x:/').search)).toEqual([
      '?limit=500&fieldSelector=x',
      '?limit=500&fieldSelector=x&continue=a%2Fb%3D',
    ])
  })

  it('gives the pages before an expired token, then says gone', async () => {
    server.answer = inTurn(
      (_q, r) => json(r, 200, { metadata: { continue: 'x' } }),
      (_q, r) => json(r, 410, status(410, 'too old')),
    )
    let pages = 0
    const all = async (): Promise<void> => {
      for await (const page of reader.list(pods, { signal: never })) pages += page.status === 200 ? 1 : 0
    }
    await expect(all()).rejects.toMatchObject({ code: 'gone' })
    expect(pages).toBe(1)
  })

  it('ends where a server hands out the same token for ever', async () => {
    server.answer = (_q, r) => json(r, 200, { metadata: { continue: 'again' } })
    const all = async (): Promise<void> => {
      for await (const page of reader.list(pods, { signal: never })) expect(page.status).toBe(200)
    }
    await expect(all()).rejects.toMatchObject({ code: 'too-big' })
  })
})

describe('what is seen of the server', () => {
  it('is the certificates that it showed, leaf first', async () => {
    server.answer = good
    expect(reader.facts.tlsChainSha256()).toEqual([])
    await read()
    const digests = [certificate.certificate, certificate.authority.certificate].map((pem) =>
      createHash('sha256').update(new X509Certificate(pem).raw).digest('hex'),
    )
    expect(reader.facts.tlsChainSha256()).toEqual(digests)
  })

  it('is its clock, between the second that it names and the round trip', async () => {
    const ahead = new Date(Date.now() + 3_600_000).toUTCString()
    server.answer = (_q, r) => json(r, 200, {}, { date: ahead })
    await read()
    const [sample] = reader.facts.clockSamples()
    expect(sample!.min).toBeLessThanOrEqual(3_600_000)
    expect(sample!.max).toBeGreaterThanOrEqual(3_599_000)
    expect(sample!.max - sample!.min).toBeGreaterThanOrEqual(1000)
    expect(sample!.max - sample!.min).toBeLessThan(4000)
  })

  it('counts every request, the repeated ones too', async () => {
    server.answer = inTurn((_q, r) => json(r, 500, status(500, 'x')), good)
    await read()
    expect(reader.facts.requestCount()).toBe(2)
  })

  it('has a URL without credentials, and the namespace of the context', async () => {
    const secret = server.url.replace('https://', 'https://user:pw@')
    const connection = await bench.connect(kubeconfigFor(`${secret}/k8s/c-1/`, undefined))
    expect(connection.reader.facts).toMatchObject({
      url: `${server.url}/k8s/c-1`,
      namespace: 'shop',
      context: 'fixture',
      impersonating: undefined,
    })
  })
})
