/** What a bench asks of its figures. */
export type Goal =
  /** Our time is at most so many times the peer's, and at most so many seconds. */
  | { readonly kind: 'times-at-most'; readonly factor: number; readonly seconds?: number }
  /** We get at least so many times as much done in the same time. */
  | { readonly kind: 'speed-at-least'; readonly factor: number }
  /** No peer: so many seconds and so much memory at most. */
  | { readonly kind: 'within'; readonly seconds: number; readonly rssMiB: number }
  /** No peer: so many seconds at most in 95 of 100 rounds. */
  | { readonly kind: 'p95-within'; readonly seconds: number }

/** One process to be timed. */
export interface Run {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its stdout goes; if not said it is kept for `after`. */
  readonly stdoutFile?: string
  /** The process says itself how many seconds counted: the last line of its stdout is JSON with `seconds`. Else all of it counts. */
  readonly saysSeconds?: boolean
  /** Exit statuses that are no failure; 0 alone if not said. */
  readonly accepts?: readonly number[]
  /** Untimed: looks at what came out, and cleans up. */
  readonly after?: (stdout: string) => Promise<Outcome>
}

export interface Outcome {
  /** Where both sides say it, it has to be equal: they did the same work. */
  readonly same?: string
  /** For the table: '612 MB written'. */
  readonly note?: string
  /** What else was measured in this round, by its name; seconds, or counts where they are whole numbers. */
  readonly values?: Readonly<Record<string, number>>
}

export interface Side {
  readonly label: string
  /** Untimed preparation of the next round. */
  next(): Promise<Run>
}

export interface Pair {
  readonly data: string
  readonly ours: Side
  readonly peer?: Side
  close?(): Promise<void>
}

/** What benches see of the machine they run on. */
export interface World {
  /** impound's repository. */
  readonly root: string
  /** The built code: dist/. */
  readonly built: string
  /** A folder of the bench's own, removed after it. */
  readonly scratch: string
  readonly quick: boolean
  readonly node: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** A comparison of impound with a peer on the same data. */
export interface Bench {
  readonly name: string
  readonly title: string
  /** What is timed on either side, so that a reader can judge whether it is fair. */
  readonly about: string
  readonly goal: Goal
  readonly rounds: number
  /** Programs it can't do without, and the Debian package of each. */
  readonly programs: Readonly<Record<string, string>>
  /** Variables of the environment that it has to be told, and what they are. */
  readonly variables?: Readonly<Record<string, string>>
  open(world: World): Promise<Pair>
}
