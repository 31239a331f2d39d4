import { join } from 'node:path'

import type { Bench, Side, World } from '../bench.js'
import { mixedFiles } from '../data.js'
import { writeLayerTar } from '../image.js'

export const tarBench: Bench = {
  name: 'tar',
  title: 'tar reader, a SHA-256 for each file',
  about:
    'A process that reads one tar and takes the SHA-256 of each file, from its start to its end: with src/formats/tar.ts, fed by what impound reads archives with, and hashed by what it hashes the files of a layer with; and with tar-stream, fed by createReadStream and hashed piece by piece as its README shows it.',
  goal: { kind: 'speed-at-least', factor: 2 },
  rounds: 5,
  programs: {},
  async open(world) {
    const file = join(world.scratch, 'data.tar')
    const total = world.quick ? 64e6 : 1e9
    const files = await writeLayerTar(file, mixedFiles(total))
    return {
      data: `${total / 1e6} MB in ${files} files`,
      ours: reader(world, 'impound', file),
      peer: reader(world, 'tar-stream', file),
    }
  },
}

function reader(world: World, label: string, file: string): Side {
  const script = join(world.built, 'test/bench/subjects', label === 'impound' ? 'tar.js' : 'tar-stream.js')
  return {
    label,
    next: () =>
      Promise.resolve({
        command: world.node,
        args: [script, file],
        after: (stdout) => Promise.resolve({ same: stdout.trim() }),
      }),
  }
}
