import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'

import type { LogOutcome, LogStream, StreamOptions } from '../../src/model/ports/streams.js'
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
import { Breaking, Collecting, listenersOf, Slow } from './sinks.js'

const bench = new Bench()
const app = { namespace: 'shop', pod: 'web', container: 'app', previous: false }
let certificate: ServerCertificate
let server: FixtureServer
let logs: LogStream

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  server = await new FixtureServer(certificate).listen()
  const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate))
  logs = connection.logs
})
afterEach(async () => {
  await bench.clear()
  await server.close()
})
afterAll(() => bench.clear())

const options = (more: Partial<StreamOptions> = {}): StreamOptions => ({
  signal: new AbortController().signal,
  stallTimeoutMs: 60_000,
  maxBytes: 1_000_000_000,
  ...more,
})
const text: Answer = (_q, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.write('2026-01-01T00:00:00Z one\n')
  response.end('2026-01-01T00:00:01Z \x1b[31mtwo\xff')
}

describe('a log', () => {
  it('comes with timestamps, byte for byte, and says what was asked', async () => {
    const sink = new Collecting()
    server.answer = text
    const outcome = await logs.log({ ...app, previous: true }, sink, options())
    expect(sink.text).toBe('2026-01-01T00:00:00Z one\n2026-01-01T00:00:01Z \x1b[31mtwo\xff')
    expect(outcome).toEqual({
      bytes: Buffer.byteLength(sink.text),
      request: '/api/v1/namespaces/shop/pods/web/log?container=app&timestamps=true&previous=true',
      auditId: server.seen[0]!.headers['audit-id'],
      backendUnverified: false,
    })
    expect(server.seen[0]!.url).toBe(outcome.request)
    expect(sink.writableEnded).toBe(false)
  })

  it('holds a fast server back for a slow sink', async () => {
    const chunk = Buffer.alloc(256 * 1024, 0x61)
    server.answer = async (_q, response) => {
      for (let sent = 0; sent < 128; sent += 1)
        if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve))
      response.end()
    }
    const sink = new Slow(1)
    const { bytes } = await logs.log(app, sink, options({ stallTimeoutMs: 1000 }))
    expect(bytes).toBe(128 * 256 * 1024)
    expect(sink.received).toBe(bytes)
    expect(sink.mostHeld).toBeLessThan(1024 * 1024)
  })

  it('is asked for again without checking the kubelet where its certificate is bad, and says so', async () => {
    server.answer = (request, response, socket) =>
      request.url.includes('insecureSkipTLSVerifyBackend=true')
        ? text(request, response, socket)
        : json(response, 500, status(500, 'Get "https://10.0.0.1:10250/": x509: certificate has expired'))
    const outcome = await logs.log(app, new Collecting(), options())
    expect(outcome.backendUnverified).toBe(true)
    expect(outcome.request).toMatch(/insecureSkipTLSVerifyBackend=true$/)
    expect(server.seen).toHaveLength(2)
  })

  it('is not a log-in page, though that comes with 200 too', async () => {
    const sink = new Collecting()
    server.answer = (_q, response) =>
      void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>')
    await expect(logs.log(app, sink, options())).rejects.toMatchObject({
      code: 'server',
      message: expect.stringContaining('no Kubernetes API'),
    })
    expect(sink.text).toBe('')
  })

  it.each<[number, string, string]>([
    [400, 'previous terminated container "app" in pod "web" not found', 'not-found'],
    [400, 'container app is not valid for pod web', 'not-found'],
    [404, 'pods "web" not found', 'not-found'],
    [400, 'container "app" in pod "web" is waiting to start: ContainerCreating', 'target-refused'],
    [400, 'container "app" in pod "web" is waiting to start: PodInitializing', 'target-refused'],
    [400, 'something else', 'invalid'],
    [403, 'User "me" cannot get resource "pods/log"', 'forbidden'],
  ])('refused with %i, %s, fails as %s', async (code, message, expected) => {
    server.answer = (_q, response) => json(response, code, status(code, message))
    await expect(logs.log(app, new Collecting(), options())).rejects.toMatchObject({ code: expected })
    expect(server.seen).toHaveLength(1)
  })
})

describe('a notice of the kubelet in place of a log', () => {
  it.each([
    'unable to retrieve container logs for containerd://8cdf',
    'failed to try resolving symlinks in path "/var/log/pods/x/app/0.log": lstat: no such file or directory',
  ])('is no evidence: %s', async (notice) => {
    const sink = new Collecting()
    server.answer = (_q, response) => void response.end(notice)
    await expect(logs.log(app, sink, options())).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining(notice),
    })
    expect(sink.text).toBe('')
  })

  it('can not be counterfeited by a container', async () => {
    const sink = new Collecting()
    const forged = '2026-01-01T00:00:00Z unable to retrieve container logs for containerd://8cdf\n'
    server.answer = (_q, response) => void response.end(forged)
    await logs.log(app, sink, options())
    expect(sink.text).toBe(forged)
  })
})

describe('a log that does not come to its end', () => {
  const begun: Answer = (_q, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.write('begun')
  }
  const fails = (more: Partial<StreamOptions>, sink = new Collecting()): Promise<LogOutcome> =>
    logs.log(app, sink, options(more))

  it.each<[string, Answer]>([
    [
      'ends without the last chunk',
      (q, response, socket) => {
        void begun(q, response, socket)
        setTimeout(() => socket.end(), 20)
      },
    ],
    [
      'is reset',
      (q, response, socket) => {
        void begun(q, response, socket)
        setTimeout(() => socket.destroy(), 20)
      },
    ],
    [
      'ends before the length that was said',
      (_q, response, socket) => {
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '10' })
        response.write('begun')
        setTimeout(() => socket.end(), 20)
      },
    ],
    [
      'ends with its connection',
      (_q, _r, socket) => void socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbegun'),
    ],
  ])('is cut where it %s, and keeps what came', async (_name, answer) => {
    const sink = new Collecting()
    server.answer = answer
    await expect(fails({}, sink)).rejects.toMatchObject({ code: 'cut' })
    expect(sink.text).toBe('begun')
    expect(server.seen).toHaveLength(1)
  })

  it('is stalled where no byte moves', async () => {
    server.answer = begun
    await expect(fails({ stallTimeoutMs: 100 })).rejects.toMatchObject({ code: 'stalled' })
  })

  it('is too big past its bound, up to which it is written', async () => {
    const sink = new Collecting()
    server.answer = text
    await expect(fails({ maxBytes: 30 }, sink)).rejects.toMatchObject({ code: 'too-big' })
    expect(sink.text).toBe('2026-01-01T00:00:00Z one\n2026-')
  })

  it('is aborted by its caller', async () => {
    const controller = new AbortController()
    server.answer = begun
    setTimeout(() => controller.abort(), 50)
    await expect(fails({ signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
  })

  it('fails with the error of its sink, and leaves no listener on it', async () => {
    const full = new Error('no space left on device')
    const sink = new Breaking(0, full)
    const before = listenersOf(sink)
    server.answer = begun
    await expect(logs.log(app, sink, options())).rejects.toMatchObject({ code: 'storage', cause: full })
    expect(listenersOf(sink)).toBe(before)
  })
})
