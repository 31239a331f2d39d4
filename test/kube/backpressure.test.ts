import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { WebSocket } from 'ws'

import type { KubeConnection } from '../../src/kube/connect.js'
import {
  Bench,
  FixtureServer,
  kubeconfigFor,
  makeCertificate,
  type ServerCertificate,
} from './fixture-server.js'
import { Collecting, Gated } from './sinks.js'

const MIB = 1024 * 1024
const TOTAL = 64 * MIB
/** What the two kernels hold of a connection at most (tcp_wmem, tcp_rmem), and a few chunks on the way. */
const ON_THE_WAY = 24 * MIB
const CHUNK = Buffer.alloc(MIB / 4, 0x61)

const bench = new Bench()
const where = { namespace: 'shop', pod: 'web', container: 'app' }
const limits = { signal: new AbortController().signal, stallTimeoutMs: 60_000, maxBytes: TOTAL }
let certificate: ServerCertificate
let server: FixtureServer
let sent: number
let connection: KubeConnection

beforeAll(async () => {
  certificate = await makeCertificate()
})
beforeEach(async () => {
  sent = 0
  server = await new FixtureServer(certificate).listen()
  connection = await bench.connect(kubeconfigFor(server.url, certificate.authority.certificate))
})
afterEach(async () => {
  await bench.clear()
  await server.close()
})
afterAll(() => bench.clear())

/** Resolves when the server can send no more for now. */
async function held(): Promise<number> {
  for (let before = -1; before !== sent || sent === 0;) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return sent
}

async function flood(socket: WebSocket): Promise<void> {
  const frame = Buffer.concat([Buffer.from([1]), CHUNK])
  while (sent < TOTAL) {
    await new Promise((resolve) => socket.send(frame, resolve))
    sent += CHUNK.length
  }
  socket.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"status":"Success"}')]))
  socket.close(1000)
}

const STREAMS: readonly (readonly [string, (sink: Gated) => Promise<number>])[] = [
  [
    'an exec',
    async (stdout) => {
      server.socket = (socket) => void flood(socket)
      const sinks = { stdout, stderr: new Collecting() }
      return (await connection.exec.exec(where, ['cat'], sinks, limits)).stdoutBytes
    },
  ],
  [
    'a log',
    async (sink) => {
      server.answer = async (_q, response) => {
        response.writeHead(200, { 'content-type': 'text/plain' })
        while (sent < TOTAL) {
          if (!response.write(CHUNK)) await new Promise((resolve) => response.once('drain', resolve))
          sent += CHUNK.length
        }
        response.end()
      }
      return (await connection.logs.log({ ...where, previous: false }, sink, limits)).bytes
    },
  ],
]

describe('a sink that does not take', () => {
  it.each(STREAMS)('makes the far end of %s wait, and loses nothing when it does', async (_name, stream) => {
    const sink = new Gated()
    const streaming = stream(sink)
    expect(await held()).toBeLessThan(ON_THE_WAY)
    expect(sink.received).toBeLessThan(2 * MIB)
    sink.open()
    expect(await streaming).toBe(TOTAL)
    expect(sink.received).toBe(TOTAL)
    expect(sink.mostHeld).toBeLessThan(4 * MIB)
  })
})
