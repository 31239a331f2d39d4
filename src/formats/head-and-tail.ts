import { Writable } from 'node:stream'

/** Keeps the first and the last bytes of what is written to it, and takes everything. */
export class HeadAndTail extends Writable {
  readonly #head: Buffer[] = []
  readonly #limits: { readonly head: number; readonly tail: number }
  #headBytes = 0
  #tail: Buffer = Buffer.alloc(0)
  /** Whether something between the two is missing. */
  overflowed = false

  constructor(limits: { readonly head: number; readonly tail: number }) {
    super()
    this.#limits = limits
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { head, tail } = this.#limits
    const fits = chunk.subarray(0, head - this.#headBytes)
    if (fits.length > 0) this.#head.push(Buffer.from(fits))
    this.#headBytes += fits.length
    const rest = chunk.subarray(fits.length)
    if (rest.length > 0) {
      const joined = Buffer.concat([this.#tail, rest])
      this.overflowed ||= joined.length > tail
      this.#tail = Buffer.from(joined.subarray(Math.max(0, joined.length - tail)))
    }
    done()
  }

  /** A newline stands where something is missing. */
  bytes(): Buffer {
    const gap = this.overflowed ? [Buffer.from('\n')] : []
    return Buffer.concat([...this.#head, ...gap, this.#tail])
  }

  text(): string {
    return this.bytes().toString('utf8')
  }
}
