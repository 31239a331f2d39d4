import { Writable } from 'node:stream'

import type { LabContainer, LabExecResult } from '../../../../src/lab/types.js'
import { seedShop } from '../../../../src/lab/shop/shop.js'
import { at, type JsonObject } from '../../../../src/model/json.js'

export const NOW = new Date('2026-11-23T03:00:33Z')
const seed = seedShop({ now: NOW })

/** A pod of the shop, by its name. */
function podNamed(name: string): JsonObject {
  const pod = seed.objects.find(
    (object) => object['kind'] === 'Pod' && at(object, 'metadata', 'name') === name,
  )
  if (pod === undefined) throw new Error(`the shop has no pod ${name}`)
  return pod
}

export function containerOf(pod: JsonObject, name: string): LabContainer | undefined {
  return seed.runtime.container(pod, name)
}

export const suspectPod = podNamed('web-6dd6bfc4b-x2x7k')
export const siblingPod = podNamed('web-6dd6bfc4b-q8w5z')
export const dbPod = podNamed('db-5c9f7d8b64-7hlpz')

export interface Ran {
  readonly result: LabExecResult
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a program to its end. `highWaterMark` 1 makes the sinks ask for a pause at every write. */
export async function run(
  container: LabContainer,
  argv: readonly string[],
  highWaterMark = 16_384,
): Promise<Ran> {
  const [stdout, stderr] = [new Collector(highWaterMark), new Collector(highWaterMark)]
  const result = await container.exec(argv, stdout, stderr, new AbortController().signal)
  await Promise.all([stdout.whole(), stderr.whole()])
  return { result, stdout: await stdout.whole(), stderr: (await stderr.whole()).toString('latin1') }
}

class Collector extends Writable {
  readonly #chunks: Buffer[] = []

  constructor(highWaterMark: number) {
    super({ highWaterMark })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(chunk)
    setImmediate(done)
  }

  whole(): Promise<Buffer> {
    return new Promise((resolve) => {
      const collected = (): void => resolve(Buffer.concat(this.#chunks))
      if (this.writableFinished) collected()
      else this.end(collected)
    })
  }
}
