import { cpus } from 'node:os'
import { join } from 'node:path'

import type { Bench, Goal, Side, World } from '../bench.js'
import { writeImage, type WrittenImage } from '../image.js'

const LAYERS = 4
const ONE_CORE = ['taskset', '-c', '0']

function layers(
  name: string,
  title: string,
  about: string,
  goal: Goal,
  sides: (world: World, image: WrittenImage) => { readonly ours: Side; readonly peer: Side },
): Bench {
  return {
    name,
    title,
    about,
    goal,
    rounds: 3,
    programs: { taskset: 'util-linux', gzip: 'gzip', sha256sum: 'coreutils', bash: 'bash' },
    async open(world) {
      const total = world.quick ? 64e6 : 1e9
      const image = await writeImage(join(world.scratch, 'image'), LAYERS, total)
      return {
        data: `${total / 1e6} MB in ${image.files} files and ${LAYERS} layers`,
        ...sides(world, image),
      }
    },
  }
}

/** Both sides say the diff_ids that they found. */
function side(label: string, [command = '', ...args]: readonly string[]): Side {
  return {
    label,
    next: () =>
      Promise.resolve({ command, args, after: (stdout) => Promise.resolve({ same: stdout.trim() }) }),
  }
}

function indexing(world: World, { folder }: WrittenImage, threads: number): readonly string[] {
  return [world.node, join(world.built, 'test/bench/subjects/layers.js'), folder, String(threads)]
}

export const layerIndexBench = layers(
  'layer-index',
  'index of an image’s layers, on one core',
  'A process that indexes the layers of an OCI layout with one thread, each blob checked against its digest, each tar against its diff_id, each file hashed, to the tree of the image. Against gzip -dc | sha256sum of each layer, which finds the diff_ids alone. Both are held to one core, from start to end.',
  { kind: 'speed-at-least', factor: 0.8 },
  (world, image) => ({
    ours: side('impound', [...ONE_CORE, ...indexing(world, image, 1)]),
    peer: side('gzip -dc | sha256sum', [
      ...ONE_CORE,
      'bash',
      '-o',
      'pipefail',
      '-c',
      'for layer; do gzip -dc <"$layer" | sha256sum | sed "s/^/sha256:/;s/ .*//" || exit; done',
      'bash',
      ...image.layers,
    ]),
  }),
)

export const layerThreadsBench = layers(
  'layer-threads',
  'index of an image’s layers, on all cores',
  'The process of layer-index with a thread for each core, against the same with one thread and one core.',
  { kind: 'speed-at-least', factor: 0.8 * Math.min(cpus().length, LAYERS) },
  (world, image) => ({
    ours: side(`impound, ${cpus().length} cores`, indexing(world, image, cpus().length)),
    peer: side('impound, one core', [...ONE_CORE, ...indexing(world, image, 1)]),
  }),
)
