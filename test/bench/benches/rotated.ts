import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { readTar } from '../../../src/formats/tar.js'
import type { Bench, World } from '../bench.js'
import { CLUSTER_VARIABLES, megabytes, POD, startPod, type BenchPod } from '../cluster.js'
import { fingerprint } from '../fingerprint.js'
import { NODE_CONTAINER, NODE_POD, NODE_VARIABLES, startNodePod } from '../node-pod.js'

const FILES = 4
/** The kubelet looks every ten seconds. */
const ROTATION_S = 22
const READY_MS = 240_000

export const rotatedBench: Bench = {
  name: 'rotated',
  title: 'rotated logs by the node',
  about:
    'A process that connects and takes every log file of a pod by a pod on its node that runs already: listed before and after, counted and hashed on both sides, those that are not compressed read line by line, into a spool; until all are kept and known to be whole. Against kubectl exec … tar of the same directory in the same pod > file, from start to end. Both get the same files. What the compressed ones cover is read from the spool after that, which no peer does: its time is given apart. BENCH_ROTATED_MB (60) is what the container writes between two rotations, of which there are three.',
  goal: { kind: 'speed-at-least', factor: 0.9 },
  rounds: 5,
  programs: { kubectl: 'kubernetes-client' },
  variables: { ...CLUSTER_VARIABLES, ...NODE_VARIABLES },
  async open(world) {
    const size = megabytes(world, 'BENCH_ROTATED_MB', world.quick ? 15 : 60)
    // base64 makes four bytes of three
    const write = `head -c ${Math.round(size * 75e4)} /dev/urandom | base64 -w 120`
    const pod = await startPod(
      world,
      `for n in 1 2 3; do ${write}; sleep ${ROTATION_S}; done; ${write}; sleep 86400`,
      'Running',
    )
    try {
      const { node, uid } = await startNodePod(world, pod)
      const folder = `/host/var/log/pods/${pod.namespace}_${POD}_${uid}/${POD}`
      const data = await settled(world, pod, folder)
      const [spool, file] = [join(world.scratch, 'spool'), join(world.scratch, 'peer.tar')]
      const script = join(world.built, 'test/bench/subjects/rotated.js')
      return {
        data,
        ours: {
          label: 'impound',
          next: async () => {
            await mkdir(spool)
            return {
              command: world.node,
              args: [script, pod.kubeconfig, pod.namespace, NODE_POD, node, POD, uid, spool],
              saysSeconds: true,
              after: async (stdout) => {
                await rm(spool, { recursive: true })
                const { same, coverage } = JSON.parse(stdout) as {
                  readonly same: string
                  readonly coverage: number
                }
                return { same, values: { 'what compressed ones cover, after that': coverage } }
              },
            }
          },
        },
        peer: {
          label: 'kubectl exec tar > file',
          next: () =>
            Promise.resolve({
              command: 'kubectl',
              args: [...pod.kubectl, 'exec', NODE_POD, '--', 'tar', '-c', '-C', folder, '.'],
              stdoutFile: file,
              after: async () => ({ same: await contentOf(file) }),
            }),
        },
        close: () => pod.remove(),
      }
    } catch (error) {
      await pod.remove()
      throw error
    }
  },
}

/** Waits until all files are there and none changes, and says what there is. */
async function settled(world: World, pod: BenchPod, folder: string): Promise<string> {
  const until = performance.now() + READY_MS
  let [before, since] = ['', 0]
  while (performance.now() < until) {
    const { stdout } = await promisify(execFile)(
      'kubectl',
      [...pod.kubectl, 'exec', NODE_POD, '-c', NODE_CONTAINER, '--', 'sh', '-c', `cd ${folder} && wc -c *`],
      { signal: world.signal },
    )
    since = stdout === before ? since + 1 : 0
    before = stdout
    const lines = stdout.trim().split('\n')
    // longer than from one look of the kubelet to the next
    if (lines.length > FILES && since >= 12) {
      const total = Number(lines.at(-1)?.trim().split(' ')[0])
      const compressed = lines.filter((line) => line.endsWith('.gz')).length
      return `${Math.round(total / 1e6)} MB in ${lines.length - 1} files, ${compressed} of them compressed`
    }
    await sleep(2000)
  }
  throw new Error(`the kubelet did not rotate the log as often as was waited for: ${before}`)
}

/** As the other side says it: names with the container before them, and the SHA-256 of each file. */
async function contentOf(file: string): Promise<string> {
  const found: { readonly name: string; readonly sha256: string }[] = []
  let bytes = 0
  for await (const { header, content } of readTar(createReadStream(file))) {
    if (header.type !== 'file') continue
    const hash = createHash('sha256')
    for await (const piece of content) {
      hash.update(piece)
      bytes += piece.length
    }
    const name = `${POD}/${header.path.toString('utf8').replace(/^\.\//, '')}`
    found.push({ name, sha256: hash.digest('hex') })
  }
  await rm(file)
  const all = createHash('sha256')
  for (const { name, sha256 } of found.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    all.update(`${name} ${sha256}\n`)
  return fingerprint(bytes, all.digest('hex'))
}
