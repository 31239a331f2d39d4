import type { LabLogLine } from '../log-line.js'

/** What containers wrote since the lab began, beside what the seed says they wrote before. */
export class LogBook {
  readonly #lines = new Map<string, LabLogLine[]>()
  readonly #listeners = new Set<(key: string, line: LabLogLine) => void>()

  append(podUid: string, container: string, line: LabLogLine): void {
    const key = `${podUid}/${container}`
    const lines = this.#lines.get(key) ?? []
    this.#lines.set(key, lines)
    lines.push(line)
    for (const listener of this.#listeners) listener(key, line)
  }

  lines(podUid: string, container: string): readonly LabLogLine[] {
    return this.#lines.get(`${podUid}/${container}`) ?? []
  }

  /** Returns the way to stop listening. */
  follow(podUid: string, container: string, listener: (line: LabLogLine) => void): () => void {
    const own = (key: string, line: LabLogLine): void => {
      if (key === `${podUid}/${container}`) listener(line)
    }
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }
}
