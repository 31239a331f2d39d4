import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { ImpoundError } from '../model/errors.js'
import type { FromWorker, ToWorker } from './layer-messages.js'

const CHUNK = 256 << 10
/** Chunks that are on their way to a thread at most: what it holds beside its own work. */
const AHEAD = 8
/** Of JavaScript objects in a thread: a hostile layer ends the thread, not the program. */
const HEAP_MIB = 256

/** Where the program of a thread lies beside this file; undefined where it was not built (the sources run as they are). */
export function layerProgram(): URL | undefined {
  const program = new URL('./layer-worker.js', import.meta.url)
  return existsSync(fileURLToPath(program)) ? program : undefined
}

/** A thread that indexes layers, one after the other. */
export class LayerThread {
  readonly #worker: Worker
  #listen: ((message: FromWorker) => void) | undefined
  #fail: ((error: Error) => void) | undefined

  constructor(program: URL) {
    this.#worker = new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } })
    this.#worker.on('message', (message: FromWorker) => this.#listen?.(message))
    this.#worker.on('error', (error: Error) => this.#fail?.(gone(error)))
    this.#worker.on('exit', () => this.#fail?.(gone()))
  }

  /**
   * Sends a layer's blob through the thread, which writes its index to `path`. Throws as {@link writeLayerIndex}, what the
   * blob's source throws, and `too-big` where the thread runs out of memory.
   */
  async index(blob: AsyncIterable<Uint8Array>, diffId: string, path: string): Promise<void> {
    const done = Promise.withResolvers<true>()
    const over = new AbortController()
    let ahead = 0
    let room: (() => void) | undefined
    const stop = (error: Error): void => {
      over.abort()
      room?.()
      done.reject(error)
    }
    this.#fail = stop
    this.#listen = (message) => {
      if (message.type === 'taken') {
        ahead -= 1
        room?.()
      } else if (message.type === 'done') done.resolve(true)
      else stop(new ImpoundError(message.code, message.message))
    }
    const tell = (message: ToWorker, transfer: ArrayBuffer[] = []): void =>
      this.#worker.postMessage(message, transfer)
    tell({ type: 'begin', diffId, path })
    const sent = this.#send(blob, over.signal, async (bytes) => {
      while (ahead >= AHEAD && !over.signal.aborted) {
        await new Promise<void>((resolve) => {
          room = resolve
        })
      }
      ahead += 1
      tell({ type: 'chunk', bytes }, [bytes.buffer])
    }).then(() => tell({ type: 'end' }))
    // where the blob breaks off, its own error says more than what the thread makes of half a layer
    sent.catch((error: unknown) => done.reject(error))
    await Promise.all([done.promise, sent])
  }

  async close(): Promise<void> {
    this.#fail = undefined
    await this.#worker.terminate()
  }

  /** In chunks of one size, each in memory of its own, which can change threads. */
  async #send(
    blob: AsyncIterable<Uint8Array>,
    over: AbortSignal,
    send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>,
  ): Promise<void> {
    let chunk = new Uint8Array(CHUNK)
    let filled = 0
    for await (const piece of blob) {
      for (let at = 0; at < piece.length;) {
        if (over.aborted) return
        const part = piece.subarray(at, at + CHUNK - filled)
        chunk.set(part, filled)
        filled += part.length
        at += part.length
        if (filled < CHUNK) continue
        await send(chunk)
        chunk = new Uint8Array(CHUNK)
        filled = 0
      }
    }
    if (filled > 0 && !over.aborted) await send(chunk.slice(0, filled))
  }
}

function gone(cause?: Error): ImpoundError {
  const isMemory = cause !== undefined && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY'
  return isMemory
    ? new ImpoundError('too-big', 'a layer takes more memory than any image needs', { cause })
    : new ImpoundError('bug', 'the thread that indexes layers ended', { cause })
}
