// Measures memory while an exec and a log of many bytes go through a sink that is slower than the server:
//   npm run build && node scripts/measure-streams.js [GIGABYTES]     (default 10)
// The server runs in a process of its own, so that the memory is the client's alone. No part of npm test.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const MIB = 1024 * 1024
const CHUNK = Buffer.alloc(MIB / 4, 0x61)
/** The sink rests this long, in ms, after each so many bytes. */
const REST = { ms: 20, every: 32 * MIB }
const SAMPLE_MS = 50

if (process.send === undefined) await measure(Number(process.argv[2] ?? 10) * 1024 * MIB)
else await serve(Number(process.argv[2]))

async function measure(total) {
  const child = fork(fileURLToPath(import.meta.url), [String(total)])
  const { url, authority } = await new Promise((resolve) => child.once('message', resolve))
  const folder = await mkdtemp(join(tmpdir(), 'impound-measure-'))
  const kubeconfig = join(folder, 'config')
  await writeFile(kubeconfig, config(url, authority))
  const { connect } = await import('../dist/src/kube/connect.js')
  const clock = {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }
  const connection = await connect({
    kubeconfig,
    requestTimeoutMs: 10_000,
    clock,
    random: randomBytes,
    notice: console.error,
    env: {},
  })
  const where = { namespace: 'a', pod: 'b', container: 'c' }
  const limits = { signal: new AbortController().signal, stallTimeoutMs: 60_000, maxBytes: total }
  try {
    await sampled('exec', total, async (stdout) => {
      const sinks = { stdout, stderr: new Writable() }
      return (await connection.exec.exec(where, ['cat'], sinks, limits)).stdoutBytes
    })
    await sampled('log', total, async (sink) => {
      return (await connection.logs.log({ ...where, previous: false }, sink, limits)).bytes
    })
  } finally {
    await connection.close()
    child.kill()
    await rm(folder, { recursive: true })
  }
}

/** Runs a stream, and says how its memory went: at the start, then the most in each quarter of the bytes. */
async function sampled(name, total, stream) {
  const sink = slowSink()
  const peaks = [0, 0, 0, 0]
  const before = process.memoryUsage.rss()
  const sampler = setInterval(() => {
    const quarter = Math.min(3, Math.floor((sink.received / total) * 4))
    peaks[quarter] = Math.max(peaks[quarter], process.memoryUsage.rss())
  }, SAMPLE_MS)
  const startedAt = performance.now()
  const bytes = await stream(sink)
  const seconds = (performance.now() - startedAt) / 1000
  clearInterval(sampler)
  if (bytes !== total || sink.received !== total)
    throw new Error(`${name}: ${sink.received} of ${total} bytes`)
  const mib = (value) => Math.round(value / MIB)
  console.log(
    `${name}: ${mib(bytes)} MiB in ${seconds.toFixed(1)} s (${mib(bytes / seconds)} MiB/s), ` +
      `RSS ${mib(before)} MiB before, most in each quarter ${peaks.map(mib).join(', ')} MiB`,
  )
}

function slowSink() {
  let untilRest = REST.every
  const sink = new Writable({
    write(chunk, _encoding, done) {
      sink.received += chunk.length
      untilRest -= chunk.length
      if (untilRest > 0) return done()
      untilRest = REST.every
      setTimeout(done, REST.ms)
    },
  })
  sink.received = 0
  return sink
}

/** An API server that answers any exec and any log with as many bytes as fast as they are taken. */
async function serve(total) {
  const { generate } = await import('selfsigned')
  const { WebSocketServer } = await import('ws')
  const made = await generate([{ name: 'commonName', value: 'measure' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const server = createServer({ cert: made.cert, key: made.private })
  server.on('request', async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' })
    for (let sent = 0; sent < total; sent += CHUNK.length)
      if (!response.write(CHUNK)) await new Promise((resolve) => response.once('drain', resolve))
    response.end()
  })
  const sockets = new WebSocketServer({ noServer: true })
  const frame = Buffer.concat([Buffer.from([1]), CHUNK])
  server.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, async (accepted) => {
      for (let sent = 0; sent < total; sent += CHUNK.length)
        await new Promise((resolve) => accepted.send(frame, resolve))
      accepted.send(Buffer.concat([Buffer.from([3]), Buffer.from('{"status":"Success"}')]))
      accepted.close(1000)
    })
  })
  server.listen(0, '127.0.0.1', () => {
    process.send({ url: `https://127.0.0.1:${server.address().port}`, authority: made.cert })
  })
  process.once('disconnect', () => process.exit())
}

function config(server, authority) {
  const cluster = { server, 'certificate-authority-data': Buffer.from(authority).toString('base64') }
  return JSON.stringify({
    clusters: [{ name: 'c', cluster }],
    contexts: [{ name: 'c', context: { cluster: 'c' } }],
    'current-context': 'c',
  })
}
