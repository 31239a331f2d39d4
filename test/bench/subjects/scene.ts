import type { Clock } from '../../../src/model/ports/run-context.js'
import type { Scene } from '../../../src/model/scene.js'

export const clock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  sleep: () => Promise.resolve(),
}

/** Enough of a scene for a spool that nobody will read. */
export const scene: Scene = {
  schema: 'impound/scene/v1',
  case: 'BENCH',
  run: 'bench',
  command: 'snapshot',
  who: { osUser: 'bench', hostname: 'bench' },
  where: { context: 'bench', server: 'https://bench.example' },
  tool: { name: 'impound', version: '0.0.0', argv: [], node: process.version, os: process.platform },
  clock: { local: '2026-11-22T03:00:33.000Z', utcOffsetMinutes: 0, ntp: 'unknown' },
  missing: [],
}

export const SPOOL_NAME = 'bench'
export const TARGET_DIRECTORY = 'bench_bench_1'
