/**
 * Runs the collectors of processes and sockets on what a node with many processes says, as a file has it: argv is the file and a
 * folder for the spool.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import v8 from 'node:v8'

import { createProcessesCollector } from '../../../src/collectors/processes.js'
import { createSocketsCollector } from '../../../src/collectors/sockets.js'
import { VolatileCaptures } from '../../../src/collectors/proc/volatile-captures.js'
import { createSpool } from '../../../src/evidence/index.js'
import type { CollectContext } from '../../../src/model/collector.js'
import { ImpoundError } from '../../../src/model/errors.js'
import type { Target } from '../../../src/model/target.js'
import { CONTAINER_ID } from '../proc-capture.js'
import { MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

const [file = '', outputDirectory = ''] = process.argv.slice(2)
// as bin/impound.js has it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
const unused = (): never => {
  throw new Error('no need of the collectors of processes')
}
const forbidden = () => Promise.reject(new ImpoundError('forbidden', 'nodes are not read here'))
const context: CollectContext = {
  run: { clock, random: randomBytes, signal: new AbortController().signal },
  phase: 'volatile',
  options: {
    allow: new Set(['node']),
    skip: new Set(),
    stallTimeoutMs: STALL_MS,
    maxLogBytes: MAX_BYTES,
    maxContentBytes: MAX_BYTES,
    usePullSecrets: false,
  },
  api: { get: forbidden, list: unused, discover: unused },
  now: { get: forbidden, list: unused, discover: unused },
  logs: { log: unused },
  exec: { exec: unused },
  journal: { intent: unused, result: unused },
  ephemerals: { beside: unused },
  nodePods: {
    on: (node) =>
      Promise.resolve({
        node,
        pod: { namespace: 'bench', name: 'bench', image: 'bench' },
        run: async (_script, stdout) => {
          let stdoutBytes = 0
          for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
            stdoutBytes += chunk.length
            if (!stdout.write(chunk)) await once(stdout, 'drain')
          }
          return { exitCode: 0, stdoutBytes, stderr: '', complete: true }
        },
      }),
  },
  registry: {
    archived: unused,
    attachments: unused,
    attached: unused,
    allows: unused,
    digestOf: unused,
    resolve: unused,
    blob: unused,
  },
  case: { document: unused, content: unused },
  progress: () => undefined,
}
const target: Target = {
  namespace: 'bench',
  name: 'bench',
  uid: '1',
  pod: {
    spec: { nodeName: 'bench', containers: [{ name: 'app', image: 'bench' }] },
    status: {
      containerStatuses: [
        { name: 'app', containerID: `containerd://${CONTAINER_ID}`, state: { running: {} } },
      ],
    },
  },
}
const captures = new VolatileCaptures({ processes: '', nodeProcesses: '' })
const started = performance.now()
await createSocketsCollector(captures).collect(
  context,
  target,
  spool.targetSink({ directory: TARGET_DIRECTORY }, 'sockets'),
)
await createProcessesCollector(captures).collect(
  context,
  target,
  spool.targetSink({ directory: TARGET_DIRECTORY }, 'processes'),
)
const seconds = (performance.now() - started) / 1000
const of = (name: string) => spool.index().find(({ path }) => path.endsWith(name))
const [capture, lines] = [of('capture-volatile.bin'), of('processes.jsonl')]
if (capture?.status !== 'collected' || lines?.status !== 'collected') {
  throw new Error(
    JSON.stringify(
      spool.index().map(({ path, status, reason, detail }) => ({ path, status, reason, detail })),
    ),
  )
}
await spool.close()
process.stdout.write(
  `${JSON.stringify({ seconds, captured: capture.bytes, lines: lines.bytes, sha256: lines.sha256 })}\n`,
)
