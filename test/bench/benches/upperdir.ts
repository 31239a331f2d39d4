import { execFile } from 'node:child_process'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import type { Bench, World } from '../bench.js'
import { CLUSTER_VARIABLES, IMAGE, POD, startPod, type BenchPod } from '../cluster.js'
import { mixedFiles } from '../data.js'
import { writeLayerTar } from '../image.js'
import { NODE_VARIABLES } from '../node-pod.js'

/** Sizes as containers have them, times this: sixty thousand files to a gigabyte. */
const SCALE = 0.4
const CHANGES = 200
/** Adds to half of them, and removes half. */
const CHANGE = `cd "$1"; every=$2; i=0; for f in d*/f*; do i=$((i + 1)); case $((i % every)) in 0) echo changed >>"$f" ;; 1) rm "$f" ;; esac; done; touch "$3"`
const POLL_MS = 500

export const upperdirBench: Bench = {
  name: 'upperdir',
  title: 'what changed in a big image’s container, by its node',
  about:
    'The collector of changed files from its start, with the pod on the node running and the indexes of the layers kept from an earlier round, to its end: upper directory found, read and sent, compared with the image, contents kept and hashed. Against umoci repack of the same image with the same changes on this machine’s disk, which walks the tree, compares it with the list that umoci unpack left, and packs what changed.',
  goal: { kind: 'times-at-most', factor: 1, seconds: 3 },
  rounds: 5,
  programs: { kubectl: 'kubernetes-client', umoci: 'umoci', skopeo: 'skopeo', sh: 'dash', tar: 'tar' },
  variables: {
    ...CLUSTER_VARIABLES,
    ...NODE_VARIABLES,
    BENCH_REGISTRY: 'HOST=URL of a registry that takes what is pushed and that the cluster pulls from',
  },
  async open(world) {
    const total = world.quick ? 64e6 : 1e9
    const image = await pushImage(world, total)
    const every = Math.floor((2 * image.files) / CHANGES)
    const change = `set -- / ${every} /tmp/changed; ${CHANGE}; sleep 86400`
    const pod = await startPod(world, change, 'Running', image.reference)
    try {
      await changed(world, pod)
      const bundle = join(world.scratch, 'bundle')
      await run(world, 'umoci', 'unpack', '--image', `${image.layout}:files`, bundle)
      await run(world, 'sh', '-c', CHANGE, 'sh', join(bundle, 'rootfs'), String(every), '/dev/null')
      const spool = join(world.scratch, 'spool')
      let round = 0
      return {
        data: `${total / 1e6} MB in ${image.files} files, ${CHANGES} changed`,
        ours: {
          label: 'impound',
          next: async () => {
            await mkdir(spool)
            return {
              command: world.node,
              args: [
                join(world.built, 'test/bench/subjects/upperdir.js'),
                ...[pod.kubeconfig, pod.namespace, world.env['BENCH_NODE_IMAGE'] ?? '', POD, spool],
                ...[world.env['BENCH_REGISTRY'] ?? '', join(world.scratch, 'layers')],
              ],
              saysSeconds: true,
              after: async (stdout) => {
                await rm(spool, { recursive: true })
                const { counts, source } = JSON.parse(stdout) as Taken
                if (source !== 'registry') throw new Error(`compared with ${source}`)
                if (counts.modified + counts.deleted < CHANGES) throw new Error(`not ${CHANGES} changes`)
                return { same: `${counts.modified} modified, ${counts.deleted} deleted` }
              },
            }
          },
        },
        peer: {
          label: 'umoci repack',
          next: () => {
            round += 1
            const tag = `round-${round}`
            return Promise.resolve({
              command: 'umoci',
              args: ['repack', '--image', `${image.layout}:${tag}`, bundle],
              after: async () => ({ same: await inLastLayer(world, image.layout, tag) }),
            })
          },
        },
        close: () => pod.remove(),
      }
    } catch (error) {
      await pod.remove()
      throw error
    }
  },
}

interface Taken {
  readonly counts: { readonly modified: number; readonly deleted: number }
  readonly source: string
}

interface PushedImage {
  readonly reference: string
  readonly layout: string
  readonly files: number
}

async function run(world: World, command: string, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(command, args, { signal: world.signal, maxBuffer: 64 << 20 })).stdout
}

/** The image of the cluster's pods with a layer of files on it. */
async function pushImage(world: World, total: number): Promise<PushedImage> {
  const [host = '', url = ''] = (world.env['BENCH_REGISTRY'] ?? '').split('=')
  const { host: address, protocol } = new URL(url)
  const base = (world.env['BENCH_IMAGE'] ?? IMAGE).replace(`${host}/`, '')
  const verify = `${protocol === 'https:'}`
  const layout = join(world.scratch, 'layout')
  const tar = join(world.scratch, 'layer.tar')
  const from = [`--src-tls-verify=${verify}`, `docker://${address}/${base}`]
  await run(world, 'skopeo', 'copy', '--quiet', ...from, `oci:${layout}:files`)
  const files = await writeLayerTar(tar, mixedFiles(total, SCALE))
  await run(world, 'umoci', 'raw', 'add-layer', '--image', `${layout}:files`, tar)
  await rm(tar)
  const said = join(world.scratch, 'digest')
  const to = [`--dest-tls-verify=${verify}`, `oci:${layout}:files`, `docker://${address}/bench/files`]
  await run(world, 'skopeo', 'copy', '--quiet', '--digestfile', said, ...to)
  // a node keeps what a tag stood for when it first asked
  const digest = (await readFile(said, 'utf8')).trim()
  return { reference: `${host}/bench/files@${digest}`, layout, files }
}

async function changed(world: World, pod: BenchPod): Promise<void> {
  const look = [...pod.kubectl, 'exec', POD, '--', 'test', '-e', '/tmp/changed']
  const until = performance.now() + 120_000
  while (performance.now() < until) {
    const isThere = await run(world, 'kubectl', ...look).then(
      () => true,
      () => false,
    )
    if (isThere) return
    await sleep(POLL_MS)
  }
  throw new Error('the pod has not changed its files')
}

interface Blobs {
  readonly manifests: readonly {
    readonly digest: string
    readonly annotations: Readonly<Record<string, string>>
  }[]
  readonly layers: readonly { readonly digest: string }[]
}

/** What the layer that was added last changes. */
async function inLastLayer(world: World, layout: string, tag: string): Promise<string> {
  const read = async (file: string): Promise<Blobs> =>
    JSON.parse(await readFile(join(layout, file), 'utf8')) as Blobs
  const blob = (digest = ''): string => join('blobs', digest.replace(':', '/'))
  const { manifests } = await read('index.json')
  const manifest = manifests.find(
    ({ annotations }) => annotations['org.opencontainers.image.ref.name'] === tag,
  )
  const { layers } = await read(blob(manifest?.digest))
  const names = (await run(world, 'tar', '-tzf', join(layout, blob(layers.at(-1)?.digest)))).split('\n')
  const files = names.filter((name) => /\/(\.wh\.)?f\d+$/.test(name))
  const deleted = files.filter((name) => name.includes('/.wh.'))
  return `${files.length - deleted.length} modified, ${deleted.length} deleted`
}
