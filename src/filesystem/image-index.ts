import { createHash, type Hash } from 'node:crypto'

import { readTar } from '../formats/tar.js'
import { ImpoundError } from '../model/errors.js'
import type { Registry, ResolvedImage } from '../model/ports/registry.js'
import { hashContent } from './content-hash.js'
import { factsOf } from './facts.js'
import { ImageTree } from './image-tree.js'
import { openLayer } from './layer-stream.js'
import { pathKey } from './path-key.js'

/**
 * The index of an image, its layers streamed from the registry one after the other; blob digests and diff_ids are verified,
 * so what it returns is what the config names. Throws `integrity`, `too-big`, `unsupported` and what the registry throws.
 */
export async function indexImage(
  registry: Registry,
  image: ResolvedImage,
  signal: AbortSignal,
  progress: (bytes: number) => void = () => undefined,
): Promise<ImageTree> {
  const tree = new ImageTree()
  let received = 0
  for (const [layer, descriptor] of image.layers.entries()) {
    const blob = await registry.blob(image.repository, descriptor, signal)
    const counted = async function* (): AsyncGenerator<Buffer, void, undefined> {
      for await (const chunk of blob as AsyncIterable<Buffer>) {
        received += chunk.length
        progress(received)
        yield chunk
      }
    }
    tree.beginLayer(layer)
    await applyLayer(tree, counted(), image.diffIds[layer] ?? '')
    tree.endLayer()
  }
  return tree
}

/** A few bytes of layer can promise exabytes of holes, and each would be hashed. */
const MAX_SPARSE_BYTES = 2 ** 36

/** Applies one layer's blob to the layer in hand of the tree. Throws `integrity` where its tar is not the diff_id's. */
export async function applyLayer(
  tree: ImageTree,
  blob: AsyncIterable<Uint8Array>,
  diffId: string,
): Promise<void> {
  const { tar } = await openLayer(blob)
  const hash = createHash(diffId.startsWith('sha512:') ? 'sha512' : 'sha256')
  const failure = await readInto(tree, hashed(tar, hash)).then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (failure === undefined && `${diffId.slice(0, 6)}:${hash.digest('hex')}` === diffId) return
  if (failure?.error instanceof Error) throw failure.error
  throw new ImpoundError('integrity', `a layer is not what the image config names: ${diffId}`)
}

async function readInto(tree: ImageTree, tar: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const entry of readTar(tar)) {
    const key = pathKey(entry.header.path)
    const facts = factsOf(entry.header)
    // No runtime unpacks a name with '..' below the root; what it would be is not known
    if (key === undefined || facts === undefined) continue
    if ((entry.header.sparse?.realSize ?? 0) > MAX_SPARSE_BYTES) {
      throw new ImpoundError(
        'too-big',
        `a layer holds a file of more than ${MAX_SPARSE_BYTES} bytes, most of them holes`,
      )
    }
    tree.add(key, facts.type === 'file' ? { ...facts, sha256: await hashContent(entry) } : facts)
  }
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}
