import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { seedShop } from '../../src/lab/shop/shop.js'
import { ImpoundError } from '../../src/model/errors.js'
import type { Exec } from '../../src/model/ports/streams.js'
import type { Target } from '../../src/model/target.js'

const TEMPLATES = resolve(import.meta.dirname, '../../templates')

export const PROCESSES_SCRIPT = readFileSync(resolve(TEMPLATES, 'processes.sh'), 'utf8')

/** The lab's suspect behind the ports, without the API between. */
export function labSuspect(): { readonly target: Target; readonly exec: Exec } {
  const seed = seedShop({ now: new Date('2026-11-22T03:00:00Z') })
  const object = seed.objects.find(({ metadata }) => (metadata as { uid?: string }).uid === seed.suspect.uid)!
  return {
    target: { ...seed.suspect, pod: object },
    exec: {
      exec: async ({ container }, argv, { stdout, stderr }, { signal }) => {
        const inside = seed.runtime.container(object, container)
        const result = await inside?.exec(argv, stdout, stderr, signal)
        if (result?.kind !== 'exited')
          throw new ImpoundError('target-refused', result?.message ?? 'no such container')
        return { exitCode: result.exitCode, stdoutBytes: 0, stderrBytes: 0 }
      },
    },
  }
}
