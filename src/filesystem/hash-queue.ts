import { hash as hashOf, webcrypto } from 'node:crypto'

import type { TarEntry } from '../formats/tar.js'
import { hashContent } from './content-hash.js'

/** A trip to the thread pool costs as much as hashing so many bytes here. */
const WORTH_A_TRIP = 32 << 10
/** Bytes on their way through the pool at most: each is a copy. */
const MOST_IN_FLIGHT = 4 << 20
/** A queue of what waits for one hash, in members. */
const MOST_WAITING = 4096

/**
 * Takes the SHA-256 of many files on all cores, and hands on what they belong to in its order: a tar is read while the files
 * before are hashed.
 */
export class HashQueue<Of> {
  readonly #done: (of: Of, sha256: string | undefined) => void
  readonly #waiting: { readonly of: Of; readonly sha256: Waiting; readonly bytes: number }[] = []
  #next = 0
  #inFlight = 0

  /** `done` gets raw bytes as latin1, or undefined for what has no content. */
  constructor(done: (of: Of, sha256: string | undefined) => void) {
    this.#done = done
  }

  /** Without a content to hash. */
  add(of: Of): Promise<void> | undefined {
    return this.#put(of, undefined, 0)
  }

  /** The entry is read when it resolves; its hash, holes included, may come later. Rejects with what reading it throws. */
  async hash(of: Of, entry: TarEntry): Promise<void> {
    const whole = entry.header.sparse === undefined ? entry.content.whole() : undefined
    if (whole === undefined) await this.#put(of, await hashContent(entry), 0)
    else if (whole.length < WORTH_A_TRIP) await this.#put(of, hashOf('sha256', whole, 'binary'), 0)
    else await this.#put(of, digest(whole), whole.length)
  }

  /** Resolves when all were handed on. */
  async finish(): Promise<void> {
    while (this.#next < this.#waiting.length) await this.#handOn()
    this.#forget()
  }

  #put(of: Of, sha256: Waiting, bytes: number): Promise<void> | undefined {
    if (this.#next === this.#waiting.length && !(sha256 instanceof Promise)) {
      this.#done(of, sha256)
      return undefined
    }
    this.#waiting.push({ of, sha256, bytes })
    this.#inFlight += bytes
    return this.#inFlight > MOST_IN_FLIGHT || this.#waiting.length - this.#next > MOST_WAITING
      ? this.#makeRoom()
      : undefined
  }

  async #makeRoom(): Promise<void> {
    while (this.#inFlight > MOST_IN_FLIGHT / 2 || this.#waiting.length - this.#next > MOST_WAITING / 2)
      await this.#handOn()
    this.#forget()
  }

  async #handOn(): Promise<void> {
    const first = this.#waiting[this.#next]
    if (first === undefined) return
    const sha256 = first.sha256 instanceof Promise ? await first.sha256 : first.sha256
    this.#next += 1
    this.#inFlight -= first.bytes
    this.#done(first.of, sha256)
  }

  #forget(): void {
    this.#waiting.splice(0, this.#next)
    this.#next = 0
  }
}

type Waiting = string | undefined | Promise<string>

/** In the thread pool, of a copy that is made before this returns. */
async function digest(bytes: Buffer): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('latin1')
}
