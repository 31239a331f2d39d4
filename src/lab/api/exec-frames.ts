import { Writable } from 'node:stream'

import type { WebSocket } from 'ws'

import type { FaultEffect } from '../faults/faults.js'

/** The first byte of every frame. Source: k8s.io/kubelet, pkg/cri/streaming/remotecommand, websocket.go. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4 } as const

const FRAME = 32 * 1024

/** The server's side of an exec socket: frames go out one after the other, as fast as the client reads. */
export class ExecFrames {
  readonly #socket: WebSocket
  readonly #effect: FaultEffect | undefined
  #payload = 0
  #dropping = false
  #last: Promise<void> = Promise.resolve()

  constructor(socket: WebSocket, effect: FaultEffect | undefined) {
    this.#socket = socket
    this.#effect = effect
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
    for (let offset = 0; offset < chunk.length; offset += FRAME) {
      const part = this.#withinFault(chunk.subarray(offset, offset + FRAME))
      if (part.length > 0 || this.#dropping) await this.send(channel, part)
      // the process waits for a reader who never comes
      if (this.stalled) return new Promise(() => undefined)
    }
  }

  /** What of a chunk a fault lets through; at its end the stream falls silent, or the connection goes. */
  #withinFault(chunk: Buffer): Buffer {
    const effect = this.#effect
    if (effect?.kind !== 'drop-after' && effect?.kind !== 'stall' && effect?.kind !== 'truncate') return chunk
    const part = chunk.subarray(0, Math.max(0, effect.bytes - this.#payload))
    this.#payload += part.length
    if (part.length < chunk.length && effect.kind === 'stall') this.stalled = true
    if (part.length < chunk.length && effect.kind === 'drop-after') this.#dropping = true
    return part
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
