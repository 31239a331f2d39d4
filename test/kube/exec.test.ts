import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { WebSocket } from 'ws'

import type { Exec, ExecOutcome, StreamOptions } from '../../src/model/ports/streams.js'
import { ImpoundError } from '../../src/model/errors.js'
import {
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
const where = { namespace: 'shop', pod: 'web', container: 'app' }
let certificate: ServerCertificate
let server: FixtureServer
let exec: Exec

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  server = await new FixtureServer(certificate).listen()
  const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate), {
    as: 'jane',
    asGroups: ['a', 'b'],
  })
  exec = connection.exec
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

const frame = (channel: number, data: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(data)])
const SUCCESS = frame(3, JSON.stringify({ status: 'Success' }))
const failure = (message: string, more: object = { reason: 'InternalError', code: 500 }): Buffer =>
  frame(3, JSON.stringify({ status: 'Failure', message, ...more }))

function script(...frames: readonly Buffer[]): (socket: WebSocket) => void {
  return (socket) => {
    for (const one of frames) socket.send(one)
    socket.close(1000)
  }
}

function run(more: Partial<StreamOptions> = {}, argv = ['id']): Promise<ExecOutcome> {
  return exec.exec(where, argv, { stdout: new Collecting(), stderr: new Collecting() }, options(more))
}

describe('an exec', () => {
  it('keeps the two outputs apart and gives the exit status', async () => {
    const [stdout, stderr] = [new Collecting(), new Collecting()]
    server.socket = script(
      frame(1, ''),
      frame(1, 'out1 '),
      frame(2, 'err'),
      frame(1, 'out2'),
      failure('exit code 7', {
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '7' }] },
      }),
    )
    const outcome = await exec.exec(where, ['sh', '-c', 'echo a&b'], { stdout, stderr }, options())
    expect(outcome).toEqual({ exitCode: 7, stdoutBytes: 9, stderrBytes: 3 })
    expect([stdout.text, stderr.text]).toEqual(['out1 out2', 'err'])
    expect(stdout.writableEnded || stderr.writableEnded).toBe(false)
  })

  it('asks for the program as it is given, under the identity that was chosen', async () => {
    server.socket = script(SUCCESS)
    await run({}, ['sh', '-c', 'a&b=c d', ''])
    expect(server.seen[0]!.url).toBe(
      '/api/v1/namespaces/shop/pods/web/exec?container=app&stdout=true&stderr=true' +
        '&command=sh&command=-c&command=a%26b%3Dc+d&command=',
    )
    expect(server.seen[0]!.headers).toMatchObject({
      authorization: 'Bearer secret-token',
      'impersonate-user': 'jane',
      'impersonate-group': 'a, b',
      'audit-id': expect.any(String),
      'sec-websocket-protocol': 'v5.channel.k8s.io,v4.channel.k8s.io',
    })
  })

  it('never reaches another path by a hostile name', async () => {
    const sinks = { stdout: new Collecting(), stderr: new Collecting() }
    await expect(exec.exec({ ...where, pod: '..' }, ['id'], sinks, options())).rejects.toMatchObject({
      code: 'usage',
    })
    server.socket = script(SUCCESS)
    await exec.exec({ ...where, pod: '../../x?y' }, ['id'], sinks, options())
    expect(server.seen.map(({ url }) => url.split('?')[0])).toEqual([
      '/api/v1/namespaces/shop/pods/..%2F..%2Fx%3Fy/exec',
    ])
  })

  it('takes output that comes after the status, up to the close', async () => {
    const stdout = new Collecting()
    server.socket = (socket) => {
      socket.send(SUCCESS)
      setTimeout(() => {
        socket.send(frame(1, 'late'))
        socket.close(1000)
      }, 50)
    }
    await exec.exec(where, ['id'], { stdout, stderr: new Collecting() }, options())
    expect(stdout.text).toBe('late')
  })

  it('ends by itself where the server has sent the status and does not close', async () => {
    server.socket = (socket) => socket.send(SUCCESS)
    await expect(run({ stallTimeoutMs: 500 })).resolves.toMatchObject({ exitCode: 0 })
  })

  it('puts a status together that comes in pieces', async () => {
    server.socket = script(SUCCESS.subarray(0, 9), frame(3, SUCCESS.subarray(9)))
    await expect(run()).resolves.toMatchObject({ exitCode: 0 })
  })
})

describe('an exec that can not be right', () => {
  it.each<[string, (socket: WebSocket) => void, string, RegExp]>([
    ['closes without a status', (socket) => socket.close(1000), 'cut', /before its end/],
    ['is reset', (socket) => socket.terminate(), 'cut', /before its end/],
    ['closes in the middle of its status', script(SUCCESS.subarray(0, 9)), 'cut', /before its end/],
    ['uses a channel that exec does not have', script(frame(9, 'x')), 'server', /channel 9/],
    [
      'uses the channel that other clients end stdout with',
      script(frame(255, '\x01')),
      'server',
      /channel 255/,
    ],
    ['sends a status without sense', script(frame(3, '{"status":"Perhaps"}')), 'server', /no Status/],
    ['sends two statuses', script(SUCCESS, SUCCESS), 'server', /two exec statuses/],
    ['sends a status without end', script(frame(3, 'x'.repeat(70_000))), 'server', /larger than/],
    ['sends a frame that is too large to hold', script(frame(1, Buffer.alloc(9e6))), 'too-big', /too large/],
    [
      'names a program that is not there',
      script(
        failure('failed to exec in container: OCI runtime exec failed: executable file not found in $PATH'),
      ),
      'target-refused',
      /not found in \$PATH/,
    ],
    ['fails elsewhere', script(failure('error dialing backend: no route to host')), 'server', /no route/],
  ])('because the server %s fails as %s', async (_name, socket, code, message) => {
    server.socket = socket
    await expect(run()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  it('says of an answer to the length of a request that a proxy may bound it, and blames no container', async () => {
    // the fixture server has Node's bound of 16 KiB for a request's head
    const error = await run({}, ['sh', '-c', 'x'.repeat(20_000)]).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'server', httpStatus: 431 })
    expect((error as ImpoundError).hints.join(' ')).toMatch(/proxy .*no such length/)
  })

  it.each<[number, string, string]>([
    [403, 'User "jane" cannot create resource "pods/exec"', 'forbidden'],
    [404, 'pods "web" not found', 'not-found'],
    [400, 'container app is not valid for pod web', 'not-found'],
    [500, 'unable to upgrade connection: container not found ("app")', 'target-refused'],
    [500, 'error dialing backend: x509: certificate has expired', 'server'],
  ])('because it is refused with %i, %s', async (code, message, expected) => {
    server.answer = (_q, response) => json(response, code, status(code, message))
    await expect(run()).rejects.toMatchObject({
      code: expected,
      httpStatus: code,
      message: expect.stringContaining(message.replace('unable to upgrade connection: ', '')),
    })
  })

  it('because no subprotocol fits', async () => {
    server.protocol = () => false
    server.socket = script(SUCCESS)
    await expect(run()).rejects.toMatchObject({ code: 'server', message: expect.stringMatching(/protocol/) })
  })

  it('because nobody answers the handshake', async () => {
    const connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate), {
      requestTimeoutMs: 150,
    })
    server.answer = () => undefined
    const sinks = { stdout: new Collecting(), stderr: new Collecting() }
    await expect(connection.exec.exec(where, ['id'], sinks, options())).rejects.toMatchObject({
      code: 'timeout',
    })
  })

  it('because nothing listens', async () => {
    await server.close()
    await expect(run()).rejects.toMatchObject({ code: 'unreachable' })
    server = await new FixtureServer(certificate).listen()
  })

  it('because no byte moves', async () => {
    server.socket = (socket) => socket.send(frame(1, 'x'))
    await expect(run({ stallTimeoutMs: 100 })).rejects.toMatchObject({ code: 'stalled' })
  })

  it('because more comes than it may hold, which is written as far as it goes', async () => {
    const stdout = new Collecting()
    server.socket = script(frame(1, '12345'), frame(1, '67890'), SUCCESS)
    const failed = exec.exec(where, ['id'], { stdout, stderr: new Collecting() }, options({ maxBytes: 7 }))
    await expect(failed).rejects.toMatchObject({ code: 'too-big' })
    expect(stdout.text).toBe('1234567')
  })

  it('because its stderr alone is more than it may be, whatever stdout has room for', async () => {
    const [stdout, stderr] = [new Collecting(), new Collecting()]
    server.socket = script(frame(1, '123456789'), frame(2, 'abc'), frame(2, 'defg'), SUCCESS)
    const failed = exec.exec(where, ['id'], { stdout, stderr }, options({ maxStderrBytes: 5 }))
    await expect(failed).rejects.toMatchObject({ code: 'too-big', message: expect.stringMatching(/stderr/) })
    expect([stdout.text, stderr.text]).toEqual(['123456789', 'abcde'])
  })

  it('because a byte now and then only holds it open', async () => {
    server.socket = (socket) => {
      const drip = setInterval(() => socket.send(frame(1, 'x')), 20)
      socket.on('close', () => clearInterval(drip))
    }
    await expect(run({ stallTimeoutMs: 60 })).rejects.toMatchObject({
      code: 'stalled',
      message: expect.stringMatching(/fewer than 65536 bytes in 0.6 s/),
    })
  })

  it('because its caller gives up', async () => {
    const controller = new AbortController()
    server.socket = () => setTimeout(() => controller.abort(), 20)
    await expect(run({ signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
    await expect(run({ signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
    expect(server.seen).toHaveLength(1)
  })

  it('because its sink breaks: with the error of the sink', async () => {
    const full = new Error('no space left on device')
    const ours = new ImpoundError('too-big', 'enough')
    server.socket = (socket) => socket.send(frame(1, 'x'))
    const into = (stdout: Breaking): Promise<ExecOutcome> =>
      exec.exec(where, ['id'], { stdout, stderr: new Collecting() }, options())
    await expect(into(new Breaking(0, full))).rejects.toMatchObject({ code: 'storage', cause: full })
    await expect(into(new Breaking(0, ours))).rejects.toBe(ours)
  })

  it('because its sink goes away', async () => {
    const stdout = new Collecting()
    server.socket = () => setTimeout(() => stdout.destroy(), 20)
    const sinks = { stdout, stderr: new Collecting() }
    await expect(exec.exec(where, ['id'], sinks, options())).rejects.toMatchObject({ code: 'storage' })
    await expect(exec.exec(where, ['id'], sinks, options())).rejects.toMatchObject({ code: 'storage' })
  })
})

describe('an exec that a busy server puts off', () => {
  it('waits as long as the server says, and tells in a few words', async () => {
    server.answer = (_q, response) => {
      server.socket = script(SUCCESS)
      json(response, 429, status(429, 'Too many requests'), { 'retry-after': '2' })
    }
    await expect(run()).resolves.toMatchObject({ exitCode: 0 })
    expect(bench.slept).toEqual([2000])
    expect(bench.notices).toEqual(['exec in app of shop/web: the server is busy (429); again in 2 s.'])
  })

  it('is not begun twice for any other refusal', async () => {
    server.answer = (_q, response) => json(response, 503, status(503, 'away'), { 'retry-after': '1' })
    await expect(run()).rejects.toMatchObject({ code: 'server' })
    expect(server.seen).toHaveLength(1)
  })
})

describe('a slow sink', () => {
  it('holds the sender back instead of filling memory, and gets every byte before the end', async () => {
    const chunk = frame(1, Buffer.alloc(1024 * 1024, 1))
    const count = 64
    server.socket = (socket) => {
      for (let sent = 0; sent < count; sent += 1) socket.send(chunk)
      socket.send(SUCCESS)
      socket.close(1000)
    }
    const stdout = new Slow(5)
    const outcome = await exec.exec(where, ['cat'], { stdout, stderr: new Collecting() }, options())
    expect(outcome.stdoutBytes).toBe(count * 1024 * 1024)
    expect(stdout.received).toBe(outcome.stdoutBytes)
    expect(stdout.mostHeld).toBeLessThanOrEqual(4 * 1024 * 1024)
  })

  it('is no stall of the far end', async () => {
    server.socket = script(frame(1, Buffer.alloc(200_000)), frame(1, Buffer.alloc(200_000)), SUCCESS)
    const stdout = new Slow(700, 1024)
    const outcome = exec.exec(
      where,
      ['cat'],
      { stdout, stderr: new Collecting() },
      options({ stallTimeoutMs: 500 }),
    )
    await expect(outcome).resolves.toMatchObject({ stdoutBytes: 400_000 })
  })

  it('that never takes anything ends with the signal', async () => {
    const controller = new AbortController()
    server.socket = script(frame(1, Buffer.alloc(200_000)), SUCCESS)
    setTimeout(() => controller.abort(), 100)
    const sinks = { stdout: new Slow(Infinity, 1), stderr: new Collecting() }
    await expect(
      exec.exec(where, ['cat'], sinks, options({ signal: controller.signal })),
    ).rejects.toMatchObject({ code: 'aborted' })
  })
})

describe('after its end', () => {
  it.each<[string, (socket: WebSocket) => void]>([
    ['well', script(frame(1, 'x'), SUCCESS)],
    ['badly', script(frame(1, 'x'), frame(9, 'x'))],
  ])('an exec that went %s leaves no listener and no socket', async (_name, socket) => {
    const stdout = new Collecting()
    const { signal } = new AbortController()
    const before = listenersOf(stdout)
    server.socket = socket
    await exec
      .exec(where, ['id'], { stdout, stderr: new Collecting() }, options({ signal }))
      .catch(() => undefined)
    expect(listenersOf(stdout)).toBe(before)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(server.openSockets).toBe(0)
  })
})
