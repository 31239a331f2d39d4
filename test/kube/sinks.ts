import { Writable } from 'node:stream'

/** Keeps what it gets. */
export class Collecting extends Writable {
  readonly chunks: Buffer[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk)
    done()
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8')
  }
}

/** Takes its time for each chunk, and knows the most that it ever had to hold. */
export class Slow extends Writable {
  received = 0
  mostHeld = 0
  readonly #ms: number

  constructor(ms: number, highWaterMark = 64 * 1024) {
    super({ highWaterMark })
    this.#ms = ms
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.mostHeld = Math.max(this.mostHeld, this.writableLength)
    // for ever: the sink that never takes anything
    if (this.#ms === Infinity) return
    setTimeout(() => {
      this.received += chunk.length
      done()
    }, this.#ms)
  }
}

/** Takes nothing until it is opened, and knows the most that it ever had to hold. */
export class Gated extends Writable {
  received = 0
  mostHeld = 0
  #waiting: (() => void) | undefined
  #open = false

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.mostHeld = Math.max(this.mostHeld, this.writableLength)
    this.received += chunk.length
    if (this.#open) done()
    else this.#waiting = done
  }

  open(): void {
    this.#open = true
    this.#waiting?.()
  }
}

/** Breaks at the nth chunk. */
export class Breaking extends Writable {
  #left: number
  readonly #error: Error

  constructor(after: number, error: Error) {
    super()
    this.#left = after
    this.#error = error
    this.on('error', () => undefined)
  }

  override _write(_chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#left -= 1
    done(this.#left < 0 ? this.#error : undefined)
  }
}

/** How many listeners a stream has, of any kind. */
export function listenersOf(stream: Writable): number {
  return stream.eventNames().reduce((sum, name) => sum + stream.listenerCount(name), 0)
}
