/** Takes zeros out of a pod's container: argv is kubeconfig, namespace, pod (its container has its name), a folder for the spool, and how many bytes. */
import { Writable } from 'node:stream'

import { createSpool } from '../../../src/evidence/index.js'
import { fingerprint } from '../fingerprint.js'
import { connection, MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

const [kubeconfig = '', namespace = '', pod = '', outputDirectory = '', bytes = ''] = process.argv.slice(2)
const kube = await connection(kubeconfig)
const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
const source = { kind: 'stream', mediaType: 'application/octet-stream', trust: 'target-controlled' } as const
const sink = spool.targetSink({ directory: TARGET_DIRECTORY }, 'filesystem')
const writer = await sink.open('zeros.bin', source, 'zeros')
const stderr = new Writable({ write: (_chunk, _encoding, done) => done() })
const { exitCode } = await kube.exec.exec(
  { namespace, pod, container: pod },
  ['head', '-c', bytes, '/dev/zero'],
  { stdout: writer.stream, stderr },
  { signal: new AbortController().signal, stallTimeoutMs: STALL_MS, maxBytes: MAX_BYTES },
)
const record = await writer.end()
if (exitCode !== 0 || record.bytes !== Number(bytes))
  throw new Error(`${record.bytes} bytes, exit ${exitCode}`)
await spool.close()
await kube.close()
process.stdout.write(`${fingerprint(record.bytes, record.sha256)}\n`)
