import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { Bench } from '../bench.js'
import { captureOf } from '../proc-capture.js'

export const processesBench: Bench = {
  name: 'processes',
  title: 'processes and sockets of a crowded node',
  about:
    'A process that runs the collectors of processes and sockets on a recorded capture, into a spool: parsed, joined, told by facts, hashed and written. Each process has 10 descriptors, 65 areas of memory and 32 variables. From its start to its end.',
  goal: { kind: 'within', seconds: 20, rssMiB: 200 },
  rounds: 3,
  programs: {},
  async open(world) {
    const processes = world.quick ? 1_000 : 20_000
    const file = join(world.scratch, 'capture.bin')
    const spool = join(world.scratch, 'spool')
    await pipeline(Readable.from(captureOf(processes)), createWriteStream(file))
    return {
      data: `${processes} processes`,
      ours: {
        label: 'impound',
        next: async () => {
          await mkdir(spool)
          return {
            command: world.node,
            args: [join(world.built, 'test/bench/subjects/processes.js'), file, spool],
            after: async (stdout) => {
              await rm(spool, { recursive: true })
              const { captured } = JSON.parse(stdout) as { readonly captured: number }
              return { note: `${Math.round(captured / 1e6)} MB of /proc` }
            },
          }
        },
      },
    }
  },
}
