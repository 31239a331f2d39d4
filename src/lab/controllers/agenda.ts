/**
 * Things that the lab's controllers and kubelets do a moment later. Nothing here keeps the process alive, and nothing
 * happens after close().
 */
export class Agenda {
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #idle: (() => void)[] = []
  #closed = false

  /** Does something after this many milliseconds; while a key waits, asking again changes nothing. */
  later(key: string, delayMs: number, act: () => void): void {
    if (this.#closed || this.#timers.has(key)) return
    const timer = setTimeout(() => {
      this.#timers.delete(key)
      act()
      if (this.#timers.size === 0) this.#tellIdle()
    }, delayMs)
    this.#timers.set(key, timer.unref())
  }

  /** Resolves when nothing is left to do. */
  idle(): Promise<void> {
    if (this.#timers.size === 0) return Promise.resolve()
    // somebody waits: until then the process must stay
    for (const timer of this.#timers.values()) timer.ref()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#tellIdle()
  }

  #tellIdle(): void {
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}
