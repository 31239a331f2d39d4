import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'

import type { Bench, Outcome } from '../bench.js'
import { collectedFiles } from '../data.js'

export const sealBench: Bench = {
  name: 'seal',
  title: 'seal a spool',
  about:
    'sealSpool: manifests, every file read and compared with its SHA-256, tar, gzip, all flushed to the disk and hashed; without receiving the files. Against tar | pigz > file of the same files, which checks and flushes nothing. The levels are such that both archives have the same size: 4 of Node.js’s zlib with small blocks, and pigz’s own, 6.',
  goal: { kind: 'speed-at-least', factor: 0.9 },
  rounds: 5,
  programs: { pigz: 'pigz', tar: 'tar', bash: 'bash' },
  async open(world) {
    const folder = join(world.scratch, 'files')
    const total = world.quick ? 64e6 : 1e9
    const files = await writeFiles(folder, total)
    const output = join(world.scratch, 'sealed')
    const peer = join(world.scratch, 'peer.tar.gz')
    return {
      data: `${total / 1e6} MB in ${files} files`,
      ours: {
        label: 'sealSpool',
        next: async () => {
          await mkdir(output)
          return {
            command: world.node,
            args: [join(world.built, 'test/bench/subjects/seal.js'), folder, output],
            // as bin/impound.js sets it
            env: { UV_THREADPOOL_SIZE: String(Math.max(4, cpus().length) + 4) },
            saysSeconds: true,
            after: () => sizeThenRemove(join(output, 'bench.tar.gz'), output),
          }
        },
      },
      peer: {
        label: 'tar | pigz',
        next: () =>
          Promise.resolve({
            command: 'bash',
            args: ['-o', 'pipefail', '-c', 'tar -cf - -C "$1" . | pigz >"$2"', 'bash', folder, peer],
            after: () => sizeThenRemove(peer, peer),
          }),
      },
    }
  },
}

async function sizeThenRemove(archive: string, what: string): Promise<Outcome> {
  const { size } = await stat(archive)
  await rm(what, { recursive: true })
  return { note: `archive of ${(size / 1e6).toFixed(0)} MB` }
}

/** Returns the number of files. */
async function writeFiles(folder: string, total: number): Promise<number> {
  let count = 0
  for (const { name, body } of collectedFiles(total)) {
    const path = join(folder, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, body)
    count += 1
  }
  return count
}
