import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Bench, Pair, Side, World } from '../bench.js'
import { CLUSTER_VARIABLES, megabytes, POD, startPod, type BenchPod } from '../cluster.js'
import { fingerprintOf } from '../fingerprint.js'

/** A line of the log as the kubelet keeps it: the time, the stream and a tag stand before what was written. */
const LINE_BYTES = 200
const STAMP_BYTES = '2026-11-22T03:00:33.123456789Z stdout F '.length

export const logBench: Bench = {
  name: 'log',
  title: 'log capture',
  about:
    'A process that connects and runs the logs collector into a spool, hashed on the way, against kubectl logs --timestamps > file: from start to end. Both get the same bytes. The log has BENCH_LOG_MB (9) on the node’s disk, which must be below the size at which its kubelet rotates.',
  goal: { kind: 'speed-at-least', factor: 0.9 },
  rounds: 7,
  programs: { kubectl: 'kubernetes-client' },
  variables: CLUSTER_VARIABLES,
  async open(world) {
    const size = megabytes(world, 'BENCH_LOG_MB', 9)
    const lines = Math.floor((size * 1e6) / LINE_BYTES)
    const text = 'x'.repeat(LINE_BYTES - STAMP_BYTES - 1)
    const pod = await startPod(world, `yes ${text} | head -n ${lines}`, 'Succeeded')
    return streams(world, pod, {
      data: `${size} MB, ${lines} lines`,
      subject: 'log.js',
      expects: lines,
      peer: ['logs', '--timestamps', POD],
    })
  },
}

export const execBench: Bench = {
  name: 'exec',
  title: 'exec stream',
  about:
    'A process that connects and takes the output of head -c … /dev/zero in a container into a spool, hashed on the way, against kubectl exec … > file: from start to end. Ours goes by WebSocket, kubectl’s by what it prefers. BENCH_EXEC_MB (200).',
  goal: { kind: 'speed-at-least', factor: 0.9 },
  rounds: 7,
  programs: { kubectl: 'kubernetes-client' },
  variables: CLUSTER_VARIABLES,
  async open(world) {
    const size = megabytes(world, 'BENCH_EXEC_MB', world.quick ? 20 : 200)
    const bytes = Math.round(size * 1e6)
    const pod = await startPod(world, 'sleep 86400', 'Running')
    return streams(world, pod, {
      data: `${size} MB`,
      subject: 'exec.js',
      expects: bytes,
      peer: ['exec', POD, '--', 'head', '-c', String(bytes), '/dev/zero'],
    })
  },
}

interface Streams {
  readonly data: string
  readonly subject: string
  /** Of lines or of bytes: less means that the far end did not give all. */
  readonly expects: number
  readonly peer: readonly string[]
}

function streams(world: World, pod: BenchPod, { data, subject, expects, peer }: Streams): Pair {
  const spool = join(world.scratch, 'spool')
  const file = join(world.scratch, 'peer.out')
  const { kubeconfig, namespace, kubectl } = pod
  const script = join(world.built, 'test/bench/subjects', subject)
  const ours: Side = {
    label: 'impound',
    next: async () => {
      await mkdir(spool)
      return {
        command: world.node,
        args: [script, kubeconfig, namespace, POD, spool, String(expects)],
        after: async (stdout) => {
          await rm(spool, { recursive: true })
          return { same: stdout.trim() }
        },
      }
    },
  }
  const theirs: Side = {
    label: `kubectl ${peer[0] ?? ''} > file`,
    next: () =>
      Promise.resolve({
        command: 'kubectl',
        args: [...kubectl, ...peer],
        stdoutFile: file,
        after: async () => ({ same: await fingerprintOf(file) }),
      }),
  }
  return { data, ours, peer: theirs, close: () => pod.remove() }
}
