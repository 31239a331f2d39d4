const FIRST_ROOM = 64 << 10
/** More is given back as soon as it is not needed. */
const KEPT_ROOM = 2 << 20

/** Bytes put together in memory that is used again: what is taken out of it is good until the next `add` or `clear`. */
export class ScratchBuffer {
  #room = Buffer.alloc(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#length)
  }

  add(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > this.#room.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_ROOM, 2 ** Math.ceil(Math.log2(length))))
      this.#room.copy(larger, 0, 0, this.#length)
      this.#room = larger
    }
    bytes.copy(this.#room, this.#length)
    this.#length = length
  }

  clear(): void {
    if (this.#room.length > KEPT_ROOM) this.#room = Buffer.alloc(0)
    this.#length = 0
  }

  /** Leaves the bytes from there on, as its first. */
  drop(count: number): void {
    this.#room.copyWithin(0, count, this.#length)
    this.#length -= count
  }
}
