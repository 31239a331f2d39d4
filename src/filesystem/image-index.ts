import { availableParallelism } from 'node:os'

import { ImpoundError, isCode } from '../model/errors.js'
import type { Registry, ResolvedImage } from '../model/ports/registry.js'
import { ImageTree } from './image-tree.js'
import { LayerCache } from './layer-cache.js'
import type { LayerIndexFile } from './layer-index-file.js'
import { layerProgram, LayerThread } from './layer-thread.js'
import { writeLayerIndex } from './write-layer-index.js'

/** Threads at most: each holds a window of its layer, and a registry has other customers. */
const MOST_THREADS = 4
/** Below it starting threads takes longer than they save; bytes as stored. */
const WORTH_A_THREAD = 4 << 20
const MOST_LAYERS = 1000

export interface IndexOptions {
  readonly signal: AbortSignal
  /** Bytes of layers received so far. */
  readonly progress?: (bytes: number) => void
  /** Threads at most, and their program; a layer is read in this thread where there is none. */
  readonly threads?: { readonly most: number; readonly program: URL | undefined }
}

/** An image's index, and how many of its layers were known from before. */
export interface IndexedImage {
  readonly tree: ImageTree
  readonly cachedLayers: number
}

/**
 * The index of an image: its layers streamed side by side, each in a thread of its own, and applied in their order. Blob
 * digests and diff_ids are verified, so what it returns is what the config names. Throws `integrity`, `too-big`,
 * `unsupported` and what the registry throws.
 */
export async function indexImage(
  registry: Registry,
  image: ResolvedImage,
  cache: LayerCache,
  options: IndexOptions,
): Promise<IndexedImage> {
  if (image.layers.length > MOST_LAYERS)
    throw new ImpoundError('too-big', `the image has ${image.layers.length} layers`)
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const crew = new Crew(options.threads ?? { most: threadsFor(image), program: layerProgram() })
  const tree = new ImageTree()
  let received = 0
  let cachedLayers = 0
  const open = async (layer: number): Promise<LayerIndexFile> => {
    const diffId = image.diffIds[layer] ?? ''
    const known = await cache.find(diffId)
    if (known !== undefined) {
      cachedLayers += 1
      return known
    }
    return crew.take(async (thread) => {
      const descriptor = image.layers[layer]
      if (descriptor === undefined) throw new ImpoundError('bug', `no layer ${layer}`)
      const blob = counted(await registry.blob(image, descriptor, signal), (bytes) => {
        received += bytes
        options.progress?.(received)
      })
      const draft = await cache.draft()
      try {
        await (thread?.index(blob, diffId, draft) ?? writeLayerIndex(blob, diffId, draft))
        return await cache.keep(draft, diffId)
      } catch (error) {
        await cache.discard(draft)
        throw error
      }
    })
  }
  const layers = image.layers.map((_, layer) => open(layer))
  // each is awaited in its turn below: one that fails early must not be unhandled till then
  for (const layer of layers) layer.catch(() => stop.abort())
  try {
    for (const [layer, opening] of layers.entries()) await apply(tree, layer, await opening)
    return { tree, cachedLayers }
  } catch (error) {
    stop.abort()
    // what is kept was checked against its own hash alone, which whoever writes there can make: the layers decide
    if (cachedLayers > 0 && isCode(error, 'integrity'))
      return await indexImage(registry, image, new LayerCache(), options)
    throw (await firstFailure(layers, options.signal)) ?? error
  } finally {
    const opened = await Promise.allSettled(layers)
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close()
    await crew.close()
  }
}

async function apply(tree: ImageTree, layer: number, index: LayerIndexFile): Promise<void> {
  tree.beginLayer(layer)
  for await (const members of index.members()) for (const { key, facts } of members) tree.add(key, facts)
  tree.endLayer()
}

/** What went wrong, not what was stopped because of it. */
async function firstFailure(
  layers: readonly Promise<unknown>[],
  signal: AbortSignal,
): Promise<Error | undefined> {
  if (signal.aborted) return undefined
  const reasons = (await Promise.allSettled(layers)).flatMap((one) =>
    one.status === 'rejected' && one.reason instanceof Error ? [one.reason] : [],
  )
  return reasons.find((reason) => !(reason instanceof ImpoundError) || reason.code !== 'aborted')
}

async function* counted(
  blob: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of blob) {
    count(chunk.length)
    yield chunk
  }
}

function threadsFor(image: ResolvedImage): number {
  const bytes = image.layers.reduce((sum, { size }) => sum + size, 0)
  return bytes < WORTH_A_THREAD ? 0 : Math.min(MOST_THREADS, availableParallelism(), image.layers.length)
}

/** So many layers at a time, each with a thread where there are any; threads are started when they are needed. */
class Crew {
  readonly #program: URL | undefined
  readonly #idle: LayerThread[] = []
  readonly #all: LayerThread[] = []
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor({ most, program }: { readonly most: number; readonly program: URL | undefined }) {
    this.#program = most === 0 ? undefined : program
    this.#free = Math.max(1, most)
  }

  async take<Result>(work: (thread: LayerThread | undefined) => Promise<Result>): Promise<Result> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free -= 1
    const thread = this.#thread()
    try {
      return await work(thread)
    } finally {
      if (thread !== undefined) this.#idle.push(thread)
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((thread) => thread.close()))
  }

  #thread(): LayerThread | undefined {
    if (this.#program === undefined) return undefined
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    const started = new LayerThread(this.#program)
    this.#all.push(started)
    return started
  }
}
