import type { Goal } from './bench.js'

/** Throws where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  const lower = sorted[sorted.length % 2 === 0 ? middle - 1 : middle]
  if (upper === undefined || lower === undefined) throw new Error('no values')
  return (lower + upper) / 2
}

/** The value that 95 of 100 do not exceed, by the nearest rank. Throws where there is none. */
export function p95(values: readonly number[]): number {
  const found = values.toSorted((a, b) => a - b)[Math.ceil(0.95 * values.length) - 1]
  if (found === undefined) throw new Error('no values')
  return found
}

/** One side's figures over all rounds. */
export interface Figures {
  readonly label: string
  readonly medianSeconds: number
  /** Each round's, in order: round i of one side ran next to round i of the other. */
  readonly seconds: readonly number[]
  /** User and system time of the process and what it waited for; less moved by what else runs than `seconds`. */
  readonly medianCpuSeconds?: number
  /** The highest of all rounds, of the biggest single process. */
  readonly peakRssMiB?: number
  readonly note?: string
  /** What else was measured, each round's in order. */
  readonly values?: Readonly<Record<string, readonly number[]>>
}

export interface Verdict {
  /** Our time over the peer's, or the peer's over ours: as the goal is worded. */
  readonly ratio?: number
  readonly met: boolean
}

/** Judges by the medians. A goal that names memory is not met where memory could not be measured. */
export function judge(goal: Goal, ours: Figures, peer: Figures | undefined): Verdict {
  if (goal.kind === 'within') {
    const rss = ours.peakRssMiB ?? Infinity
    return { met: ours.medianSeconds <= goal.seconds && rss <= goal.rssMiB }
  }
  if (goal.kind === 'p95-within') return { met: p95(ours.seconds) <= goal.seconds }
  if (peer === undefined) throw new Error('a goal that compares needs a peer')
  if (goal.kind === 'times-at-most') {
    const ratio = ours.medianSeconds / peer.medianSeconds
    return { ratio, met: ratio <= goal.factor && ours.medianSeconds <= (goal.seconds ?? Infinity) }
  }
  const ratio = peer.medianSeconds / ours.medianSeconds
  return { ratio, met: ratio >= goal.factor }
}

export function describeGoal(goal: Goal): string {
  switch (goal.kind) {
    case 'times-at-most':
      return `at most ${goal.factor} × its time${goal.seconds === undefined ? '' : ` and ${goal.seconds} s`}`
    case 'speed-at-least':
      return `at least ${goal.factor} × its speed`
    case 'within':
      return `${goal.seconds} s, ${goal.rssMiB} MiB`
    case 'p95-within':
      return `${goal.seconds} s in 95 of 100`
  }
}
