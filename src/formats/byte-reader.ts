import { ImpoundError } from '../model/errors.js'

const NOTHING = Buffer.alloc(0)

/**
 * Pulls bytes out of chunks of any size. Slices share memory with the chunks: nothing is copied but what spans two of
 * them. `what` names the stream in error messages. `most` bytes are handed out at most, then it throws `too-big`: a
 * source need not end. Errors of the source travel as they are. A slice is good for as long as its chunk is; what comes of several
 * is a copy.
 */
export class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #what: string
  readonly #most: number
  #chunk: Buffer = NOTHING
  #at = 0
  #position = 0

  constructor(source: AsyncIterable<Uint8Array>, what: string, most = Infinity) {
    this.#chunks = source[Symbol.asyncIterator]()
    this.#what = what
    this.#most = most
  }

  /** Bytes handed out so far. */
  get position(): number {
    return this.#position
  }

  /** What is at hand without waiting, at most `most` bytes; empty where that is nothing. */
  available(most = Infinity): Buffer {
    const end = Math.min(this.#chunk.length, this.#at + Math.min(most, this.#most - this.#position))
    const slice = this.#chunk.subarray(this.#at, end)
    this.#at = end
    this.#position += slice.length
    return slice
  }

  /** Exactly `length` bytes where they are at hand and allowed; else undefined, and nothing is taken. */
  atHand(length: number): Buffer | undefined {
    const isThere = this.#chunk.length - this.#at >= length && this.#position + length <= this.#most
    return isThere ? this.available(length) : undefined
  }

  /** The next bytes, at least one and at most `most`; undefined at the end of the source. */
  async some(most = Infinity): Promise<Buffer | undefined> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#chunks.next()
      if (next.done === true) return undefined
      this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength)
      this.#at = 0
    }
    if (this.#position >= this.#most) throw this.#tooBig()
    return this.available(most)
  }

  /** All that is left, as it comes. */
  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    for (let slice = await this.some(); slice !== undefined; slice = await this.some()) yield slice
  }

  /** Exactly `length` bytes. Throws `cut` where the source ends before. `length` must be bounded by the caller. */
  async exactly(length: number): Promise<Buffer> {
    if (this.#position + length > this.#most) throw this.#tooBig()
    if (this.#chunk.length - this.#at >= length) return this.available(length)
    const block = Buffer.allocUnsafe(length)
    for (let filled = 0; filled < length;) {
      const slice = (await this.some(length - filled)) ?? this.#cut(length - filled)
      slice.copy(block, filled)
      filled += slice.length
    }
    return block
  }

  /** Passes over `length` bytes. Throws `cut` where the source ends before. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      const slice = (await this.some(left)) ?? this.#cut(left)
      left -= slice.length
    }
  }

  /** At most `length` bytes, fewer only at the end of the source. */
  async upTo(length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = length; left > 0;) {
      const slice = await this.some(left)
      if (slice === undefined) break
      // a copy: a source may write over what it gave two chunks ago
      parts.push(Buffer.from(slice))
      left -= slice.length
    }
    return Buffer.concat(parts)
  }

  /** Gives back the end of what was handed out last; it is read again. */
  unread(bytes: Buffer): void {
    this.#at -= bytes.length
    this.#position -= bytes.length
  }

  /** Tells the source that no more will be read. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  #tooBig(): ImpoundError {
    return new ImpoundError('too-big', `${this.#what} has more than ${this.#most} bytes`)
  }

  #cut(missing: number): never {
    throw new ImpoundError(
      'cut',
      `${this.#what} ends at byte ${this.#position}, at least ${missing} bytes before it should`,
    )
  }
}
