import type { Writable } from 'node:stream'

import { ImpoundError, messageOf } from '../model/errors.js'

/**
 * Writes into a sink that belongs to somebody else: listens to it for as long as the stream lasts, never ends it, and says
 * when it fails or goes away.
 */
export class SinkFeed {
  readonly #sink: Writable
  readonly #onFailure: (error: ImpoundError) => void
  #unwritten = 0
  #bytes = 0
  #failed: ImpoundError | undefined
  #waiting: (() => void)[] = []

  constructor(sink: Writable, onFailure: (error: ImpoundError) => void) {
    this.#sink = sink
    this.#onFailure = onFailure
    sink.on('error', this.#onError)
    sink.on('close', this.#onClose)
    sink.on('drain', this.#wake)
    // told once the constructor's caller is ready to hear it
    if (sink.destroyed || sink.writableEnded) queueMicrotask(this.#onClose)
  }

  /** Bytes given to the sink. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the sink asks to wait. */
  get full(): boolean {
    return this.#sink.writableNeedDrain
  }

  push(chunk: Uint8Array): void {
    if (this.#failed !== undefined || chunk.length === 0) return
    this.#bytes += chunk.length
    this.#unwritten += 1
    this.#sink.write(chunk, (error) => {
      this.#unwritten -= 1
      if (error !== null && error !== undefined) this.#fail(error)
      this.#wake()
    })
  }

  /** Resolves when the sink takes more; rejects when it fails or `aborted` does. */
  ready(signal: AbortSignal): Promise<void> {
    return this.#until(() => !this.full, signal)
  }

  /** Resolves when everything pushed is written. */
  flushed(signal: AbortSignal): Promise<void> {
    return this.#until(() => this.#unwritten === 0, signal)
  }

  /** Stops listening; the sink is its owner's alone again. */
  release(): void {
    this.#sink.off('error', this.#onError)
    this.#sink.off('close', this.#onClose)
    this.#sink.off('drain', this.#wake)
    this.#waiting = []
  }

  async #until(reached: () => boolean, signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', this.#wake)
    try {
      for (;;) {
        signal.throwIfAborted()
        if (this.#failed !== undefined) throw this.#failed
        if (reached()) return
        await new Promise<void>((resolve) => this.#waiting.push(resolve))
      }
    } finally {
      signal.removeEventListener('abort', this.#wake)
    }
  }

  readonly #wake = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  readonly #onError = (error: Error): void => this.#fail(error)
  readonly #onClose = (): void => this.#fail(this.#sink.errored ?? undefined)

  #fail(cause: Error | undefined): void {
    if (this.#failed !== undefined) return
    const why = cause === undefined ? 'it was closed while data was still coming' : messageOf(cause)
    this.#failed =
      cause instanceof ImpoundError
        ? cause
        : new ImpoundError('storage', `What was received can't be written: ${why}.`, { cause })
    this.#onFailure(this.#failed)
    this.#wake()
  }
}
