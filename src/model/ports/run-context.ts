/** Time as the run sees it. */
export interface Clock {
  now(): Date
  /** Milliseconds that never go back, from an arbitrary start. */
  monotonic(): number
  /** Resolves after `ms`, rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** All that makes two runs differ: what tests replace. */
export interface RunContext {
  readonly clock: Clock
  /** Random bytes: ids, salts. */
  random(bytes: number): Buffer
  /** Aborts at Ctrl-C or at the deadline of the phase. */
  readonly signal: AbortSignal
}
