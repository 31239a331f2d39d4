import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Bench } from '../bench.js'
import { CLUSTER_VARIABLES, POD, startPod } from '../cluster.js'
import { homeIn, layOutPackage } from '../package.js'
import type { Contained } from '../subjects/contain.js'

export const containBench: Bench = {
  name: 'contain',
  title: 'from the API reads to policy and label in force',
  about:
    'impound seize --contain-first --yes of a busybox pod on a real API server, by the acquisition log of each run: from the end of the API reads, where the containment begins with the plan that it writes down, to the answers that confirm both NetworkPolicy and label; every write is on the disk, twice, before it is sent. From the confirmation it is longer by the API reads. With BENCH_AUDIT_LOG, the API server’s audit log as a file: how long that server took it to be, from the first write’s arrival to the answer to the last, and how many requests there were. The pod is released after each round.',
  goal: { kind: 'p95-within', seconds: 1.5 },
  rounds: 20,
  programs: { kubectl: 'kubernetes-client', tar: 'tar' },
  variables: CLUSTER_VARIABLES,
  async open(world) {
    const bin = await layOutPackage(world)
    const pod = await startPod(world, 'sleep 7200', 'Running')
    const output = join(world.scratch, 'sealed')
    const env = homeIn(world.scratch)
    const cluster = ['--kubeconfig', pod.kubeconfig, '--namespace', pod.namespace]
    return {
      data: 'one pod',
      ours: {
        label: 'impound seize --contain-first',
        next: () =>
          Promise.resolve({
            command: world.node,
            args: [
              join(world.built, 'test/bench/subjects/contain.js'),
              ...[bin, POD, output, world.env['BENCH_AUDIT_LOG'] ?? '', ...cluster],
            ],
            env,
            saysSeconds: true,
            after: async (stdout) => {
              const { values } = JSON.parse(stdout) as Contained
              await promisify(execFile)(world.node, [bin, 'release', POD, ...cluster, '--yes'], {
                env: { ...process.env, ...env },
                signal: world.signal,
              })
              await rm(output, { recursive: true })
              return { values }
            },
          }),
      },
      close: () => pod.remove(),
    }
  },
}
