/** Containers whose processes the freezer of their cgroup has stopped, by the runtime's ID. */
export class Freezer {
  readonly #frozen = new Set<string>()
  #waiting: (() => void)[] = []

  isFrozen(id: string): boolean {
    return this.#frozen.has(id)
  }

  freeze(id: string): void {
    this.#frozen.add(id)
  }

  thaw(id: string): void {
    this.#frozen.delete(id)
    this.#wake()
  }

  /** Resolves once what is started in it runs: a process that joins a frozen cgroup stands still with it. Or when the signal aborts. */
  async thawed(id: string, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', this.#wake)
    try {
      while (this.isFrozen(id) && !signal.aborted)
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } finally {
      signal.removeEventListener('abort', this.#wake)
    }
  }

  readonly #wake = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}
