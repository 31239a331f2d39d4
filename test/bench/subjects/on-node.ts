/**
 * Starts the pod of --allow node, and takes processes and sockets of a pod by it: argv is kubeconfig, namespace, the node pod's image, the pod, a
 * folder for the spool, and what counts: 'ready', from the create to the first answer of the pod on the node, or 'processes', after that.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import v8 from 'node:v8'

import { VolatileCaptures } from '../../../src/collectors/proc/volatile-captures.js'
import { createProcessesCollector } from '../../../src/collectors/processes.js'
import { createSocketsCollector } from '../../../src/collectors/sockets.js'
import { createSpool } from '../../../src/evidence/index.js'
import { podPath } from '../../../src/model/api-path.js'
import type { CollectContext } from '../../../src/model/collector.js'
import { ImpoundError } from '../../../src/model/errors.js'
import type { Pod } from '../../../src/model/kubernetes.js'
import { packageRoot } from '../../../src/model/package-root.js'
import { NodePodSet } from '../../../src/node-pod/index.js'
import { connection, MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

// as bin/impound.js has it
v8.setFlagsFromString('--semi-space-growth-factor=1')
const [kubeconfig = '', namespace = '', image = '', name = '', outputDirectory = '', counts = ''] =
  process.argv.slice(2)
const template = (file: string): string =>
  readFileSync(`${packageRoot(import.meta.dirname)}/templates/${file}`, 'utf8')
const kube = await connection(kubeconfig)
const { signal } = new AbortController()
const sleeping = {
  ...clock,
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
}
const run = { clock: sleeping, random: randomBytes, signal }
const pods = new NodePodSet(
  {
    case: 'BENCH',
    run: `bench-${randomBytes(4).toString('hex')}`,
    owner: { who: 'bench', host: 'bench', pid: process.pid },
    image,
    namespace,
    makeNamespace: false,
    frame: template('node/frame.sh'),
    leftovers: [],
  },
  {
    kube: kube.reader,
    writer: kube.writer({ intent: () => Promise.resolve(), result: () => Promise.resolve() }),
    exec: kube.exec,
    notice: () => undefined,
  },
  run,
)
const read = await kube.reader.get(podPath(namespace, name), { signal })
const pod = JSON.parse(read.body.toString('utf8')) as Pod
const asked = performance.now()
const session = await pods.on(pod.spec?.nodeName ?? '', signal)
const ready = (performance.now() - asked) / 1000
const spool = await createSpool({ outputDirectory, name: SPOOL_NAME, clock, scene })
/** All that the collectors of processes look at. */
const context = {
  run,
  phase: 'volatile',
  options: {
    allow: new Set(['node']),
    skip: new Set(),
    stallTimeoutMs: STALL_MS,
    maxContentBytes: MAX_BYTES,
  },
  api: { get: () => Promise.reject(new ImpoundError('forbidden', 'nodes are not read here')) },
  nodePods: { on: () => Promise.resolve(session) },
  progress: () => undefined,
} as unknown as CollectContext
const target = { namespace, name, uid: pod.metadata?.uid ?? '', pod }
const captures = new VolatileCaptures({
  processes: template('processes.sh'),
  nodeProcesses: ['node/containers.sh', 'processes.sh'].map(template).join('\n'),
})
const started = performance.now()
await Promise.all([
  createProcessesCollector(captures).collect(
    context,
    target,
    spool.targetSink({ directory: TARGET_DIRECTORY }, 'processes'),
  ),
  createSocketsCollector(captures).collect(
    context,
    target,
    spool.targetSink({ directory: TARGET_DIRECTORY }, 'sockets'),
  ),
])
const processes = (performance.now() - started) / 1000
const lines = (await spool.readDocument(`data/targets/${TARGET_DIRECTORY}/processes.json`)) as {
  readonly containers: readonly { readonly processes: number }[]
}
await spool.close()
await pods.close(signal)
await kube.close()
process.stdout.write(
  `${JSON.stringify({ seconds: counts === 'ready' ? ready : processes, processes: lines.containers[0]?.processes })}\n`,
)
