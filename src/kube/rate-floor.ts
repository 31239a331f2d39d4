/** Fewer bytes than this in a whole window, and the far end is only holding us up: 218 bytes a second with the usual window. */
export const FLOOR_BYTES = 64 * 1024
/** How many stall timeouts one window is long: five minutes with the usual 30 s. */
export const WINDOW_STALLS = 10

/**
 * Whether a stream keeps up a minimum rate, asked when bytes come: silence is the stall timer's subject. It takes both to bound
 * how long a hostile far end can hold us with a byte now and then. Time on hold, while our own side is the slow one, doesn't count.
 */
export class RateFloor {
  readonly #windowMs: number
  readonly #now: () => number
  #startedAt: number
  #heldAt: number | undefined
  #bytes = 0

  constructor(windowMs: number, now: () => number = () => performance.now()) {
    this.#windowMs = windowMs
    this.#now = now
    this.#startedAt = now()
  }

  /** Counts what came; false where the window that ends with it had too little. */
  keptBy(bytes: number): boolean {
    this.#bytes += bytes
    const now = this.#heldAt ?? this.#now()
    if (now - this.#startedAt < this.#windowMs) return true
    const kept = this.#bytes >= FLOOR_BYTES
    this.#startedAt = now
    this.#bytes = 0
    return kept
  }

  hold(): void {
    this.#heldAt ??= this.#now()
  }

  release(): void {
    if (this.#heldAt === undefined) return
    this.#startedAt += this.#now() - this.#heldAt
    this.#heldAt = undefined
  }
}
