/**
 * Takes a log that was made up here, of so many bytes, by one of the ways: argv is 'api' or 'rotated', the bytes, and a folder for the spool.
 * Says how long it took; the far side is in this process, so that its memory counts too.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import v8 from 'node:v8'

import { createLogsCollector } from '../../../src/collectors/logs.js'
import { readNodeLogFiles } from '../../../src/collectors/node-log-files.js'
import { createSpool } from '../../../src/evidence/index.js'
import type { CollectContext } from '../../../src/model/collector.js'
import type { NodeSession } from '../../../src/model/ports/node-pod.js'
import { MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

// as bin/impound.js has it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const [way = '', size = '', outputDirectory = ''] = process.argv.slice(2)
const PIECE = 32 << 10
/** Of the tar. */
const RECORD = 64 << 10
const pieces = Math.floor(Number(size) / PIECE)
const bytes = pieces * PIECE
/** Lines of 128 bytes: they fill pieces without a rest. */
const line = (n: number): string =>
  `2026-11-27T12:00:00.${String(n).padStart(9, '0')}Z stdout F ${'x'.repeat(128 - 41)}\n`
const text = Array.from({ length: PIECE / 128 }, (_, n) => line(n)).join('')

async function send(sink: Writable): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1)
    if (!sink.write(Buffer.from(text, 'latin1'))) await once(sink, 'drain')
}

/** GNU tar's, with a size that has no end in octal digits: in base 256. */
function header(name: string, length: number): Buffer {
  const block = Buffer.alloc(512)
  block.write(name)
  block.write('0000640\0' + '0000000\0'.repeat(2), 100)
  block[124] = 0x80
  block.writeBigUInt64BE(BigInt(length), 128)
  block.write('00000000000\0' + ' '.repeat(8) + '0', 136)
  block.write('ustar  \0', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
const sink = spool.targetSink({ directory: TARGET_DIRECTORY }, 'logs')
const pod = {
  metadata: { uid: '1' },
  spec: { containers: [{ name: 'app', image: 'bench' }] },
  status: { containerStatuses: [{ name: 'app', containerID: 'containerd://1', state: { running: {} } }] },
}
/** All that reading logs looks at. */
const context = {
  run: { clock, random: randomBytes, signal: new AbortController().signal },
  options: { allow: new Set(), stallTimeoutMs: STALL_MS, maxLogBytes: MAX_BYTES },
  progress: () => undefined,
  now: { get: () => Promise.resolve({ json: pod }) },
  logs: {
    log: async (_request: unknown, to: Writable) => {
      await send(to)
      return { bytes, request: '/log', auditId: '', backendUnverified: false }
    },
  },
} as unknown as CollectContext
const session: NodeSession = {
  node: 'bench',
  pod: { namespace: 'bench', name: 'bench', image: 'bench' },
  async run({ args }, stdout) {
    const list = `d 0 0 0 0 0 0 0 0 0 0 bench_bench_1\0f 7 1 8 ${bytes} 640 0 0 1.0 1.0 1.0 app/0.log\0`
    if (args[0] === 'read') {
      stdout.write(header('./app/0.log', bytes))
      await send(stdout)
      // to the block's end, two zero blocks, and to the record's end
      stdout.write(Buffer.alloc(1024 + ((RECORD - ((bytes + 512 + 1024) % RECORD)) % RECORD)))
    }
    stdout.write(list)
    return { exitCode: 0, stdoutBytes: 0, stderr: '', complete: true }
  },
}
const started = performance.now()
if (way === 'api') {
  await createLogsCollector('').collect(context, { namespace: 'bench', name: 'bench', uid: '1', pod }, sink)
} else {
  await readNodeLogFiles(context, session, { namespace: 'bench', name: 'bench', uid: '1' }, '', sink)
}
const seconds = (performance.now() - started) / 1000
const record = spool.index().find((one) => one.bytes >= bytes)
if (record?.status !== 'collected' || record.bytes !== bytes) throw new Error(JSON.stringify(spool.index()))
await spool.close()
process.stdout.write(`${JSON.stringify({ seconds, bytes: record.bytes })}\n`)
