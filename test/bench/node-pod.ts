import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { nodePodManifest } from '../../src/node-pod/manifest.js'
import { CONTAINER } from '../../src/node-pod/names.js'
import type { World } from './bench.js'
import { POD, type BenchPod } from './cluster.js'

export const NODE_VARIABLES = {
  BENCH_NODE_IMAGE: 'the image of the pod on the node, as docs/node-pod.md wants it',
}

export const NODE_POD = 'on-node'

/** The bench's pod, as scripts on its node know it. */
export interface PodOnNode {
  readonly node: string
  readonly uid: string
}

/** Starts the pod of `--allow node` beside the bench's own, and waits until it is ready. It goes with the namespace. */
export async function startNodePod(world: World, pod: BenchPod): Promise<PodOnNode> {
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('kubectl', [...pod.kubectl, ...args], { signal: world.signal })).stdout
  const found = await ask('get', 'pod', POD, '-o', 'jsonpath={.spec.nodeName} {.metadata.uid}')
  const [node = '', uid = ''] = found.split(' ')
  const manifest = nodePodManifest({
    case: 'BENCH',
    run: 'bench',
    owner: { who: 'bench', host: 'bench', pid: process.pid },
    namespace: pod.namespace,
    name: NODE_POD,
    node,
    image: world.env['BENCH_NODE_IMAGE'] ?? '',
  })
  // servers before 1.30 know no recursiveReadOnly, and would drop it in silence if kubectl let them
  const applying = promisify(execFile)('kubectl', [...pod.kubectl, 'apply', '--validate=false', '-f', '-'], {
    signal: world.signal,
  })
  applying.child.stdin?.end(JSON.stringify(manifest))
  await applying
  await ask('wait', '--for=condition=Ready', `pod/${NODE_POD}`, '--timeout=120s')
  return { node, uid }
}

export { CONTAINER as NODE_CONTAINER }
