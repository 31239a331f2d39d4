import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { createSpool } from '../../../src/evidence/index.js'
import { podPath } from '../../../src/model/api-path.js'
import type { CollectContext, Collector } from '../../../src/model/collector.js'
import { ImpoundError } from '../../../src/model/errors.js'
import type { Pod } from '../../../src/model/kubernetes.js'
import { packageRoot } from '../../../src/model/package-root.js'
import type { Registry } from '../../../src/model/ports/registry.js'
import { NodePodSet } from '../../../src/node-pod/index.js'
import { connection, MAX_BYTES, STALL_MS } from './connection.js'
import { clock, scene, SPOOL_NAME, TARGET_DIRECTORY } from './scene.js'

export const template = (file: string): string =>
  readFileSync(`${packageRoot(import.meta.dirname)}/templates/${file}`, 'utf8')

export interface NodeScene {
  /** Seconds from the create of the pod on the node to its first answer. */
  readonly ready: number
  /** Runs collectors side by side; seconds. */
  collect(...collectors: readonly Collector[]): Promise<number>
  document(path: string): Promise<unknown>
  close(): Promise<void>
}

/** Starts the pod of --allow node on a pod's node: what collectors need that work by it, and no more. */
export async function openNodeScene(
  kubeconfig: string,
  namespace: string,
  image: string,
  name: string,
  outputDirectory: string,
  registry?: Registry,
): Promise<NodeScene> {
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
  const nothing = (what: string) => () => Promise.reject(new ImpoundError('forbidden', `${what} here`))
  const context = {
    run,
    phase: 'volatile',
    options: {
      allow: new Set(['node']),
      skip: new Set(),
      stallTimeoutMs: STALL_MS,
      maxContentBytes: MAX_BYTES,
    },
    api: { get: nothing('nodes are not read') },
    case: { document: nothing('no other collector ran') },
    nodePods: { on: () => Promise.resolve(session) },
    registry,
    progress: () => undefined,
  } as unknown as CollectContext
  const target = { namespace, name, uid: pod.metadata?.uid ?? '', pod }
  return {
    ready,
    async collect(...collectors) {
      const started = performance.now()
      await Promise.all(
        collectors.map((collector) =>
          collector.collect(
            context,
            target,
            spool.targetSink({ directory: TARGET_DIRECTORY }, collector.name),
          ),
        ),
      )
      return (performance.now() - started) / 1000
    },
    document: (path) => spool.readDocument(`data/targets/${TARGET_DIRECTORY}/${path}`),
    async close() {
      await spool.close()
      await pods.close(signal)
      await kube.close()
    },
  }
}
