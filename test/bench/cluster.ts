import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import type { World } from './bench.js'

export const CLUSTER_VARIABLES = {
  BENCH_KUBECONFIG:
    "an administrator's kubeconfig of a cluster for tests; a namespace is made there and removed",
}

/** What else the environment may say, and what holds where it doesn't. */
export const IMAGE = 'lab.local/busybox:1'
const NAMESPACE = 'impound-bench'
const POLL_MS = 500
const READY_MS = 180_000

export const POD = 'bench'

/** A namespace with one busybox pod in it. */
export interface BenchPod {
  readonly kubeconfig: string
  readonly namespace: string
  /** kubectl's arguments that stand before all others. */
  readonly kubectl: readonly string[]
  remove(): Promise<void>
}

/** Starts the pod of a shell script and waits for it to come into this phase. Throws after three minutes, with the namespace removed. */
export async function startPod(
  world: World,
  script: string,
  phase: 'Running' | 'Succeeded',
  image = world.env['BENCH_IMAGE'] ?? IMAGE,
): Promise<BenchPod> {
  const kubeconfig = world.env['BENCH_KUBECONFIG'] ?? ''
  const namespace = world.env['BENCH_NAMESPACE'] ?? NAMESPACE
  const cluster = ['--kubeconfig', kubeconfig]
  const kubectl = [...cluster, '--namespace', namespace]
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('kubectl', args, { signal: world.signal })).stdout
  const remove = async (): Promise<void> => {
    await promisify(execFile)('kubectl', [...cluster, 'delete', 'namespace', namespace, '--timeout=120s'])
  }
  await ask(...cluster, 'create', 'namespace', namespace)
  try {
    const overrides = JSON.stringify({ spec: { terminationGracePeriodSeconds: 0 } })
    await ask(
      ...kubectl,
      'run',
      POD,
      `--image=${image}`,
      '--restart=Never',
      `--overrides=${overrides}`,
      '--command',
      '--',
      'sh',
      '-c',
      script,
    )
    const until = performance.now() + READY_MS
    for (;;) {
      const found = await ask(...kubectl, 'get', 'pod', POD, '-o', 'jsonpath={.status.phase}')
      if (found === phase) return { kubeconfig, namespace, kubectl, remove }
      if (found === 'Failed' || performance.now() > until)
        throw new Error(`the pod of ${image} is ${found} and not ${phase}`)
      await sleep(POLL_MS)
    }
  } catch (error) {
    await remove()
    throw error
  }
}

/** A size in MB from the environment. */
export function megabytes(world: World, variable: string, otherwise: number): number {
  const given = Number(world.env[variable] ?? otherwise)
  if (!(given > 0)) throw new Error(`${variable} is no number of MB`)
  return given
}
