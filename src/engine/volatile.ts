import type { Collector } from '../model/collector.js'
import { ImpoundError } from '../model/errors.js'
import type { RunContext } from '../model/ports/run-context.js'
import { runPhase, type TargetCapture } from './collect.js'

/** What is late may go on beside the slow evidence, and for so long after it. */
const LATE_GRACE_MS = 20_000

/** The volatile phase of one target: containment waits for it no longer than the budget, since who is seized may stall it. */
export interface VolatilePhase {
  /** Resolves when the phase is over. Never rejects: end() tells. */
  done(): Promise<void>
  /** Resolves when the phase is over (true) or so much time is (false), whichever comes first. Never rejects. */
  doneWithin(budgetMs: number): Promise<boolean>
  /** Waits for what is late, and ends it as partial after a while. Throws what the phase threw. */
  end(): Promise<void>
}

export function beginVolatile(
  run: RunContext,
  collectors: readonly Collector[],
  capture: TargetCapture,
): VolatilePhase {
  const over = new AbortController()
  const stopped = new AbortController()
  const signal = AbortSignal.any([run.signal, stopped.signal])
  const phase = runPhase({ ...run, signal }, 'volatile', collectors, capture).finally(() => over.abort())
  // end() tells of it
  const settled = phase.catch(() => undefined)
  return {
    done: () => settled,
    async doneWithin(budgetMs) {
      const timeUp = run.clock.sleep(budgetMs, over.signal).then(
        () => false,
        () => true,
      )
      return Promise.race([settled.then(() => true), timeUp])
    },
    async end() {
      const timer = setTimeout(() => {
        stopped.abort(
          new ImpoundError('timeout', 'volatile evidence that was not done when the slow evidence was'),
        )
      }, LATE_GRACE_MS)
      try {
        await phase
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** Says of evidence that is meant to come before the containment that it came after it. */
export class LateMark {
  #containedAt: number | undefined

  /** `at` is the run's monotonic time. */
  contained(at: number): void {
    this.#containedAt = at
  }

  /** 'arrived 3.2 s after the containment', or undefined before it. */
  note(now: number): string | undefined {
    if (this.#containedAt === undefined) return undefined
    return `arrived ${((now - this.#containedAt) / 1000).toFixed(1)} s after the containment`
  }
}
