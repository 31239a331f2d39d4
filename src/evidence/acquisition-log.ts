import { createHash } from 'node:crypto'

import type { LogBody, LogLine } from '../model/acquisition.js'
import type { Clock } from '../model/ports/run-context.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { LineFile } from './line-file.js'
import { Turns } from './turns.js'

/** The only journal of a run: ordered, chained, one writer. Every method throws ImpoundError `storage`. */
export interface AcquisitionLog {
  append(body: LogBody): Promise<LogLine>
  /** As append; resolves once the line is on the disk. */
  appendDurably(body: LogBody): Promise<LogLine>
  /** SHA-256 (hex) of the last raw line with its newline. */
  head(): string
}

/** Where a chain stands: how many lines there are, and the hash of the last. */
export interface ChainState {
  readonly lines: number
  readonly head: string
}

/** A chain without a line: `prev` of line 0. */
export const EMPTY_CHAIN: ChainState = { lines: 0, head: '0'.repeat(64) }

/** SHA-256 (hex) of one raw line with its newline. */
export function lineHash(raw: Uint8Array | string): string {
  return createHash('sha256').update(raw).digest('hex')
}

/** {@link AcquisitionLog} on a file. `observe` hears of each line once it is written. */
export class ChainedLog implements AcquisitionLog {
  readonly #file: LineFile
  readonly #clock: Clock
  readonly #observe: (line: LogLine) => void
  readonly #turns = new Turns()
  #chain: ChainState
  #closed = false

  constructor(file: LineFile, chain: ChainState, clock: Clock, observe: (line: LogLine) => void) {
    this.#file = file
    this.#chain = chain
    this.#clock = clock
    this.#observe = observe
  }

  append(body: LogBody): Promise<LogLine> {
    return this.#append(body, false)
  }

  appendDurably(body: LogBody): Promise<LogLine> {
    return this.#append(body, true)
  }

  head(): string {
    return this.#chain.head
  }

  /** Once closed, appending fails; closing again does nothing. */
  async close(): Promise<void> {
    await this.#turns.take(async () => {
      if (this.#closed) return
      this.#closed = true
      try {
        await this.#file.flush()
      } finally {
        await this.#file.close()
      }
    })
  }

  #append(body: LogBody, durable: boolean): Promise<LogLine> {
    return this.#turns.take(async () => {
      const { lines, head } = this.#chain
      const line: LogLine = { seq: lines, prev: head, at: this.#clock.now().toISOString(), ...body }
      const raw = Buffer.from(`${JSON.stringify(line)}\n`)
      await this.#file.append(raw, durable)
      this.#chain = { lines: lines + 1, head: lineHash(raw) }
      this.#observe(line)
      return line
    })
  }
}

/** What changes the cluster, into the log: on the disk before the request is sent. */
export function journalOf(log: AcquisitionLog): Journal {
  return {
    intent: async (intent) => {
      await log.appendDurably({ type: 'intent', intent })
    },
    result: async (result) => {
      await log.appendDurably({ type: 'result', result })
    },
  }
}

/** One journal that writes into several, in their order: the log of the run and the state that `release` needs. */
export function journalInto(...journals: readonly Journal[]): Journal {
  return {
    intent: async (intent) => {
      for (const journal of journals) await journal.intent(intent)
    },
    result: async (outcome) => {
      for (const journal of journals) await journal.result(outcome)
    },
  }
}
