import { setTimeout as wait } from 'node:timers/promises'
import { Writable } from 'node:stream'

import type { WebSocket } from 'ws'

import { flipped } from '../faults/body-faults.js'
import type { Strike } from '../faults/fault.js'

/** The first byte of every frame. Source: k8s.io/kubelet, pkg/cri/streaming/remotecommand, websocket.go. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4 } as const

const FRAME = 32 * 1024
/** How often a slow stream sends. */
const TICKS_PER_SECOND = 20

/** The server's side of an exec socket: frames go out one after the other, as fast as the client reads. */
export class ExecFrames {
  readonly #socket: WebSocket
  readonly #strike: Strike | undefined
  #payload = 0
  /** The end of stdout so far, where a fault will lose it. */
  #held: Buffer = Buffer.alloc(0)
  #lost = false
  #dropping = false
  #last: Promise<void> = Promise.resolve()

  constructor(socket: WebSocket, strike: Strike | undefined) {
    this.#socket = socket
    this.#strike = strike
  }

  /** Set once a fault has silenced the stream: nothing more is sent, the connection stays. */
  stalled = false

  /** Resolves when the frame is with the operating system. */
  send(channel: number, bytes: Buffer): Promise<void> {
    this.#last = this.#last.then(() => this.#sendNow(channel, bytes))
    return this.#last
  }

  flushed(): Promise<void> {
    return this.#last
  }

  /** Said when the program has ended and all its output is out: a fault that had nothing to strike missed. */
  outputEnded(): void {
    const effect = this.#strike?.effect
    if (effect?.kind === 'wrong-length') this.#strike?.missed('an exec stream has no length')
    if (effect?.kind === 'watch-expired') this.#strike?.missed('an exec stream is no watch')
    const tooShort =
      (effect?.kind === 'lose-last' && this.#held.length === 0) ||
      (effect?.kind === 'truncate' && !this.#lost) ||
      (effect?.kind === 'corrupt' && this.#payload <= effect.at) ||
      ((effect?.kind === 'drop-after' || effect?.kind === 'stall') && this.#payload < effect.bytes)
    if (tooShort) this.#strike?.missed(`the output had only ${this.#payload} bytes`)
  }

  /** A process's output as a channel; where the client didn't ask for it, it is read and dropped. */
  sink(channel: number, wanted: boolean): Writable {
    const pipe = new Writable({
      highWaterMark: FRAME,
      write: (chunk: Buffer, _encoding, done) => {
        void (wanted ? this.#sendParts(channel, chunk) : Promise.resolve()).then(
          () => done(),
          (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
        )
      },
    })
    // a client that has gone is a closed pipe to the process, and no fault of the lab
    pipe.on('error', () => undefined)
    return pipe
  }

  async #sendParts(channel: number, chunk: Buffer): Promise<void> {
    const effect = this.#strike?.effect
    const size = effect?.kind === 'slow' ? Math.ceil(effect.bytesPerSecond / TICKS_PER_SECOND) : FRAME
    for (let offset = 0; offset < chunk.length; offset += size) {
      const part = this.#withinFault(channel, chunk.subarray(offset, offset + size))
      if (part.length > 0 || this.#dropping) await this.send(channel, part)
      if (effect?.kind === 'slow') await wait((part.length * 1000) / effect.bytesPerSecond)
      // the process waits for a reader who never comes
      if (this.stalled) return new Promise(() => undefined)
    }
  }

  /** What of a chunk a fault lets through; at its end the stream falls silent, or the connection goes. */
  #withinFault(channel: number, chunk: Buffer): Buffer {
    const effect = this.#strike?.effect
    const before = this.#payload
    if (effect?.kind === 'corrupt') {
      this.#payload += chunk.length
      return flipped(chunk, effect.at - before)
    }
    if (effect?.kind === 'lose-last') {
      return channel === CHANNEL.stdout ? this.#allButLast(chunk, effect.bytes) : chunk
    }
    if (effect?.kind !== 'drop-after' && effect?.kind !== 'stall' && effect?.kind !== 'truncate') return chunk
    const part = chunk.subarray(0, Math.max(0, effect.bytes - before))
    this.#payload += part.length
    if (part.length < chunk.length) this.#lost = true
    if (this.#payload >= effect.bytes && effect.kind === 'stall') this.stalled = true
    if (this.#payload >= effect.bytes && effect.kind === 'drop-after') this.#dropping = true
    return part
  }

  #allButLast(chunk: Buffer, count: number): Buffer {
    const all = Buffer.concat([this.#held, chunk])
    const surplus = Math.max(0, all.length - count)
    this.#held = all.subarray(surplus)
    return all.subarray(0, surplus)
  }

  #sendNow(channel: number, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(Buffer.concat([Buffer.from([channel]), bytes]), (error) => {
        if (this.#dropping) this.#socket.terminate()
        if (error instanceof Error) reject(error)
        else resolve()
      })
    })
  }
}
