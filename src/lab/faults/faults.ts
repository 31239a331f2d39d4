import type { FaultFiring, FaultTarget, LabFault, Strike, UnfiredFault } from './fault.js'
import { validateFault } from './validate.js'

const FIRINGS_KEPT = 20_000

interface Entry {
  readonly fault: LabFault
  after: number
  left: number
  matched: number
  fired: number
  missed: string | undefined
  withdrawn: boolean
}

/**
 * The faults that lie in wait, in the order in which they were laid; the first that matches strikes. There is no chance
 * in it: the same script and the same requests give the same firings.
 */
export class Faults {
  readonly #waiting: Entry[] = []
  readonly #firings: FaultFiring[] = []
  readonly #onClear: () => void

  constructor(script: readonly LabFault[] = [], onClear: () => void = () => undefined) {
    this.#onClear = onClear
    for (const fault of script) this.add(fault)
  }

  /** Returns the way to take it back. Throws a TypeError where the declaration can't be meant. */
  add(fault: LabFault): () => void {
    validateFault(fault)
    const { after = 0, times = 1 } = fault
    const entry: Entry = {
      fault,
      after,
      left: times,
      matched: 0,
      fired: 0,
      missed: undefined,
      withdrawn: false,
    }
    this.#waiting.push(entry)
    return () => {
      entry.withdrawn = true
    }
  }

  /** Takes all faults back, and what they left behind: a server that refuses, a clock that is off. */
  clear(): void {
    this.#waiting.length = 0
    this.#onClear()
  }

  /** Every strike so far; of a great many the last 20,000. */
  get fired(): readonly FaultFiring[] {
    return this.#firings
  }

  /** The faults that did less than they were laid for: a test that ends with one did not test what it says. */
  unfired(): readonly UnfiredFault[] {
    return this.#waiting.flatMap((entry) => {
      const { fault, fired, matched, missed } = entry
      const enough = fault.times === Infinity ? 1 : (fault.times ?? 1)
      if (entry.withdrawn ? fired > 0 : fired >= enough) return []
      const why =
        missed ??
        (matched === 0
          ? 'no request matched'
          : `struck ${fired} of ${enough} times: ${matched} requests matched, the first ${fault.after ?? 0} are left alone`)
      return [{ fault, fired, why }]
    })
  }

  /** The fault for a request that just came in, used up by this call. */
  strike(request: FaultTarget): Strike | undefined {
    for (const entry of this.#waiting) {
      if (entry.withdrawn || entry.left <= 0 || !matches(entry.fault.match, request)) continue
      entry.matched += 1
      if (entry.after > 0) {
        entry.after -= 1
        continue
      }
      entry.left -= 1
      entry.fired += 1
      return this.#record(entry, request)
    }
    return undefined
  }

  #record(entry: Entry, request: FaultTarget): Strike {
    const { server, at, method, path, user, auditId } = request
    const firing: { -readonly [Key in keyof FaultFiring]: FaultFiring[Key] } = {
      fault: entry.fault,
      ...{ server, at, method, path, user, auditId },
    }
    this.#firings.push(firing)
    if (this.#firings.length > FIRINGS_KEPT) this.#firings.shift()
    return {
      effect: entry.fault.effect,
      missed: (why) => {
        if (firing.missed !== undefined) return
        firing.missed = why
        entry.missed = `${method} ${path}: ${why}`
        entry.fired -= 1
      },
    }
  }
}

function matches(match: LabFault['match'], request: FaultTarget): boolean {
  return (
    (match.server === undefined || match.server === request.server) &&
    (match.method === undefined || match.method === request.method) &&
    (match.path === undefined || match.path.test(request.path)) &&
    (match.user === undefined || match.user === request.user)
  )
}
