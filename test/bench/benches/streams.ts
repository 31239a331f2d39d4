import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Bench, Pair, Side, World } from '../bench.js'
import { CLUSTER_VARIABLES, megabytes, POD, startPod, type BenchPod } from '../cluster.js'
import { fingerprintOf } from '../fingerprint.js'

/** A line of the log as the kubelet keeps it: the time, the stream and a tag stand before what was written. */
const LINE_BYTES = 500
/** The kubelet comes every ten seconds: a log that takes five is in time every second time. */
const LOG_ATTEMPTS = 8
const STAMP_BYTES = '2026-11-22T03:00:33.123456789Z stdout F '.length

export const logBench: Bench = {
  name: 'log',
  title: 'log capture',
  about:
    'A process that connects and runs the logs collector into a spool, hashed on the way, against kubectl logs --timestamps > file: from start to end. Both get the same bytes. The log has BENCH_LOG_MB (200) on the node’s disk, in one file: the container writes it and ends before its kubelet, which looks every ten seconds and only at what runs, comes to rotate it.',
  goal: { kind: 'speed-at-least', factor: 0.9 },
  rounds: 5,
  programs: { kubectl: 'kubernetes-client', bash: 'bash' },
  variables: CLUSTER_VARIABLES,
  async open(world) {
    const size = megabytes(world, 'BENCH_LOG_MB', world.quick ? 9 : 200)
    const lines = Math.floor((size * 1e6) / LINE_BYTES)
    const pod = await podWithLog(world, lines)
    return streams(world, pod, {
      data: `${size} MB, ${lines} lines`,
      subject: 'log.js',
      expects: lines,
      peer: ['logs', '--timestamps', POD],
    })
  },
}

/** A pod that has ended and whose log is that long and in one piece. Throws where the kubelet was faster each time. */
async function podWithLog(world: World, lines: number): Promise<BenchPod> {
  const text = 'x'.repeat(LINE_BYTES - STAMP_BYTES - 1)
  for (let attempt = 0; attempt < LOG_ATTEMPTS; attempt += 1) {
    const pod = await startPod(world, `yes ${text} | head -n ${lines}`, 'Succeeded')
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-o', 'pipefail', '-c', 'kubectl "$@" | wc -l', 'bash', ...pod.kubectl, 'logs', POD],
      { signal: world.signal },
    )
    if (Number(stdout) === lines) return pod
    await pod.remove()
  }
  throw new Error(
    `its kubelet rotated the log ${LOG_ATTEMPTS} times before it was written: BENCH_LOG_MB=9 fits into one`,
  )
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
