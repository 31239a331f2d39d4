const FIRST_ROOM = 64 << 10
/** More is given back as soon as it is not needed. */
const KEPT_ROOM = 2 << 20

/**
 * Bytes put together in memory that is used again: what is taken out of it is good until the next `add` or `clear`, and may have no bytes
 * any more after that. What it outgrew is given back at once: left to the garbage collector, it would lie about for seconds.
 */
export class ScratchBuffer {
  #room = new ArrayBuffer(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): Buffer {
    return Buffer.from(this.#room, 0, this.#length)
  }

  add(bytes: Buffer): void {
    const length = this.#length + bytes.length
    if (length > this.#room.byteLength)
      this.#room = this.#room.transfer(Math.max(FIRST_ROOM, 2 ** Math.ceil(Math.log2(length))))
    new Uint8Array(this.#room, this.#length).set(bytes)
    this.#length = length
  }

  clear(): void {
    if (this.#room.byteLength > KEPT_ROOM) this.#room = this.#room.transfer(0)
    this.#length = 0
  }

  /** Leaves the bytes from there on, as its first. */
  drop(count: number): void {
    new Uint8Array(this.#room, 0, this.#length).copyWithin(0, count)
    this.#length -= count
  }
}
