import type { InflateRaw, ZstdDecompress } from 'node:zlib'

interface Step {
  readonly output: readonly Buffer[]
  /** The engine met the end of its data. */
  readonly isOver: boolean
  /** The end of the slice that does not belong to the data. */
  readonly unused: Buffer
}

const NOTHING = Buffer.alloc(0)

/** A node:zlib engine driven one slice at a time: it takes no slice before the output of the last one is out. */
export class Inflater {
  readonly #engine: InflateRaw | ZstdDecompress
  #fed = 0
  #output: Buffer[] = []
  #settled: PromiseWithResolvers<boolean> | undefined

  constructor(engine: InflateRaw | ZstdDecompress) {
    this.#engine = engine
    engine.on('data', (chunk: Buffer) => this.#output.push(chunk))
    engine.on('end', () => this.#settled?.resolve(true))
    engine.on('error', (error: Error) => this.#settled?.reject(error))
  }

  /**
   * Everything that comes out of a slice, so the caller bounds the slice. Rejects with the engine's own error where it
   * can't be inflated. node:zlib calls back when it wants more, or ends when it met the end of its data, leaving the rest
   * unread.
   */
  async feed(slice: Buffer): Promise<Step> {
    const settled = Promise.withResolvers<boolean>()
    this.#settled = settled
    this.#fed += slice.length
    this.#engine.write(slice, (error) => {
      if (error === null || error === undefined) settled.resolve(false)
    })
    const isOver = await settled.promise
    const output = this.#output
    this.#output = []
    const unused = isOver ? slice.subarray(slice.length - (this.#fed - this.#engine.bytesWritten)) : NOTHING
    return { output, isOver, unused }
  }

  close(): void {
    this.#engine.destroy()
  }
}
