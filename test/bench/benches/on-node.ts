import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Bench } from '../bench.js'
import { CLUSTER_VARIABLES, POD, startPod } from '../cluster.js'
import { NODE_VARIABLES } from '../node-pod.js'

const PROCESSES = 50

function onNode(
  name: string,
  title: string,
  about: string,
  counts: 'ready' | 'processes',
  seconds: number,
): Bench {
  return {
    name,
    title,
    about,
    goal: { kind: 'within', seconds, rssMiB: 200 },
    rounds: 7,
    programs: { kubectl: 'kubernetes-client' },
    variables: { ...CLUSTER_VARIABLES, ...NODE_VARIABLES },
    async open(world) {
      const pod = await startPod(
        world,
        `i=1; while [ $i -lt ${PROCESSES} ]; do sleep 86400 & i=$((i + 1)); done; wait`,
        'Running',
      )
      const spool = join(world.scratch, 'spool')
      return {
        data: `a pod of ${PROCESSES} processes`,
        ours: {
          label: 'impound',
          next: async () => {
            await mkdir(spool)
            return {
              command: world.node,
              args: [
                join(world.built, 'test/bench/subjects/on-node.js'),
                ...[pod.kubeconfig, pod.namespace, world.env['BENCH_NODE_IMAGE'] ?? '', POD, spool, counts],
              ],
              saysSeconds: true,
              after: async (stdout) => {
                await rm(spool, { recursive: true })
                const { processes } = JSON.parse(stdout) as { readonly processes: number }
                if (processes < PROCESSES) throw new Error(`${processes} processes and not ${PROCESSES}`)
                return {}
              },
            }
          },
        },
        close: () => pod.remove(),
      }
    },
  }
}

export const nodePodBench = onNode(
  'node-pod',
  'the pod on the node, from its create until it runs',
  'What --allow node waits for: the create, its admission, its start by the kubelet with the image on the node, and that it runs. The rest of the process does not count.',
  'ready',
  5,
)

export const podProcessesBench = onNode(
  'pod-processes',
  'processes and sockets of a pod by the node',
  'The collectors of processes and sockets, from their start to their end, once the pod on the node runs: two passes over /proc there, received, parsed, joined, hashed and written.',
  'processes',
  1,
)
