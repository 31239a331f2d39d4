/** The one clock of a lab: what its servers date answers and objects with. A fault may make it jump. */
export class LabClock {
  readonly #base: () => Date
  #offsetMs = 0

  constructor(base: () => Date) {
    this.#base = base
  }

  readonly now = (): Date => new Date(this.#base().getTime() + this.#offsetMs)

  /** From now on all times are this much later, or earlier. */
  jump(seconds: number): void {
    this.#offsetMs += seconds * 1000
  }

  /** Takes all jumps back. */
  settle(): void {
    this.#offsetMs = 0
  }
}
