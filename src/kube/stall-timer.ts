/** Fires once when nothing happened for `ms`. Time on hold, while our own side is the slow one, doesn't count. */
export class StallTimer {
  readonly #ms: number
  readonly #onStall: () => void
  #timer: NodeJS.Timeout | undefined
  #held = false

  constructor(ms: number, onStall: () => void) {
    this.#ms = ms
    this.#onStall = onStall
    this.touch()
  }

  touch(): void {
    if (this.#held) return
    if (this.#timer === undefined) this.#timer = setTimeout(this.#onStall, this.#ms)
    else this.#timer.refresh()
  }

  hold(): void {
    this.#held = true
    this.#clear()
  }

  release(): void {
    if (!this.#held) return
    this.#held = false
    this.touch()
  }

  stop(): void {
    this.#held = true
    this.#clear()
  }

  #clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
