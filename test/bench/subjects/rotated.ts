/**
 * Takes a pod's log files by a pod on its node: argv is kubeconfig, namespace, the pod on the node, the node, the pod's name and UID, and
 * a folder for the spool. Says in how many seconds from its start all were kept, and what reading what the compressed ones cover took after that.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import v8 from 'node:v8'

import { coverCompressed } from '../../../src/collectors/compressed-logs.js'
import { readNodeLogFiles } from '../../../src/collectors/node-log-files.js'
import { createSpool } from '../../../src/evidence/index.js'
import type { CollectContext } from '../../../src/model/collector.js'
import { packageRoot } from '../../../src/model/package-root.js'
import { openSession } from '../../../src/node-pod/session.js'
import { fingerprint } from '../fingerprint.js'
import { connection, MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

// as bin/impound.js has it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const [kubeconfig = '', namespace = '', onNode = '', node = '', name = '', uid = '', outputDirectory = ''] =
  process.argv.slice(2)
const template = (file: string): string =>
  readFileSync(`${packageRoot(import.meta.dirname)}/templates/node/${file}`, 'utf8')
const kube = await connection(kubeconfig)
const session = openSession({
  node,
  pod: { namespace, name: onNode, image: '' },
  exec: kube.exec,
  frame: template('frame.sh'),
  random: randomBytes,
})
const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
/** All that reading log files looks at. */
const context = {
  run: { clock, random: randomBytes, signal: new AbortController().signal },
  options: { stallTimeoutMs: STALL_MS, maxLogBytes: MAX_BYTES },
  case: { content: (path: string) => spool.readContent(path) },
  progress: () => undefined,
} as unknown as CollectContext
const { files } = await readNodeLogFiles(
  context,
  session,
  { namespace, name, uid },
  ['containers.sh', 'host-paths.sh', 'pod-logs.sh'].map(template).join('\n'),
  spool.targetSink({ directory: TARGET_DIRECTORY }, 'logs'),
)
const all = createHash('sha256')
let bytes = 0
const kept = performance.now()
const covered = await coverCompressed(context, files)
const known = performance.now()
for (const file of covered.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
  const record = spool.index().find(({ path }) => path === file.path)
  if (file.kept !== 'whole' || record === undefined) throw new Error(`${file.name}: ${file.why ?? file.kept}`)
  if (file.bytes > 0 && file.covers?.isCri !== true)
    throw new Error(`${file.name}: ${file.unreadable ?? 'no container log'}`)
  bytes += record.bytes
  all.update(`${file.name} ${record.sha256}\n`)
}
await spool.close()
await kube.close()
// since the start of this process
process.stdout.write(
  `${JSON.stringify({ same: fingerprint(bytes, all.digest('hex')), seconds: kept / 1000, coverage: (known - kept) / 1000 })}\n`,
)
