import type { Bench, Side } from '../bench.js'
import { homeIn, layOutPackage } from '../package.js'

const NOTHING = 'node -e 0'

export const versionBench: Bench = startup('version', ['--version'], 2.5)
export const helpBench: Bench = startup('help', ['seize', '--help'], 4)

function startup(name: string, argv: readonly string[], factor: number): Bench {
  return {
    name,
    title: `impound ${argv.join(' ')}`,
    about: `impound as its package has it, against Node.js that starts and ends: ${NOTHING}.`,
    goal: { kind: 'times-at-most', factor },
    rounds: 31,
    programs: {},
    async open(world) {
      const bin = await layOutPackage(world)
      const env = homeIn(world.scratch)
      const side = (label: string, args: readonly string[]): Side => ({
        label,
        next: () => Promise.resolve({ command: world.node, args, env }),
      })
      return {
        data: 'none',
        ours: side(`impound ${argv.join(' ')}`, [bin, ...argv]),
        peer: side(NOTHING, ['-e', '0']),
      }
    },
  }
}
