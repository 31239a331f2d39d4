import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import type { Bench } from '../bench.js'

/** A log that no memory holds. */
function bound(way: 'api' | 'rotated', title: string): Bench {
  return {
    name: `bound-${way}`,
    title,
    about:
      'A process that takes one log of 10 GB by the collector, into a spool on the disk, hashed and read line by line on the way; the log is made up in the same process, so its memory has both sides. From its start to its end. BENCH_BOUND_MB (10000).',
    goal: { kind: 'within', seconds: 280, rssMiB: 200 },
    rounds: 1,
    programs: {},
    open(world) {
      const megabytes = Number(world.env['BENCH_BOUND_MB'] ?? (world.quick ? 500 : 10_000))
      const spool = join(world.scratch, 'spool')
      return Promise.resolve({
        data: `${megabytes} MB`,
        ours: {
          label: 'impound',
          next: async () => {
            await mkdir(spool)
            return {
              command: world.node,
              args: [join(world.built, 'test/bench/subjects/bounds.js'), way, String(megabytes * 1e6), spool],
              after: async () => {
                await rm(spool, { recursive: true })
                return {}
              },
            }
          },
        },
      })
    },
  }
}

export const logBoundBench = bound('api', 'a log of 10 GB by the API')
export const rotatedBoundBench = bound('rotated', 'a log of 10 GB by the node')
