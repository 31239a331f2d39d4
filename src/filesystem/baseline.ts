import { isCode } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { Platform, Registry, ResolvedImage } from '../model/ports/registry.js'
import type { TargetContainer } from '../model/target.js'
import { indexImage } from './image-index.js'
import { findImage } from './image-source.js'
import type { ImageTree } from './image-tree.js'

/** The image that a container is compared with: every layer matched its digest and its diff_id. */
export interface Baseline {
  readonly tree: ImageTree
  readonly repository: string
  readonly manifestDigest: string
}

/**
 * Indexes images for the containers of one target, one after the other. The last index is kept, for containers of the same
 * image that follow each other; two at once would be twice the memory.
 */
export class Baselines {
  readonly #registry: Registry
  readonly #platform: Platform
  readonly #signal: AbortSignal
  #last: Baseline | undefined

  constructor(registry: Registry, platform: Platform, signal: AbortSignal) {
    this.#registry = registry
    this.#platform = platform
    this.#signal = signal
  }

  /** `imageDocument` is image.json of the container, where the image collector left one. Throws what the registry throws. */
  async of(
    container: TargetContainer,
    imageDocument: unknown,
    progress: (bytes: number) => void,
  ): Promise<Baseline> {
    const image = await this.#resolve(container, imageDocument)
    const manifestDigest = image.manifest.descriptor.digest
    if (this.#last?.manifestDigest === manifestDigest) return this.#last
    this.#last = undefined
    const tree = await indexImage(this.#registry, image, this.#signal, progress)
    this.#last = { tree, repository: image.repository, manifestDigest }
    return this.#last
  }

  async #resolve(container: TargetContainer, imageDocument: unknown): Promise<ResolvedImage> {
    const repository = asString(at(imageDocument, 'registry', 'repository'))
    const digest = asString(at(imageDocument, 'registry', 'manifestDigest'))
    if (repository !== undefined && digest !== undefined)
      return this.#registry.resolve(`${repository}@${digest}`, this.#platform, this.#signal)
    return findImage(this.#registry, container.image, container.imageID, this.#platform, this.#signal)
  }
}

/** Whether an image could not be had for a reason that is the image's or the registry's: reading goes on without it. */
export function isBaselineFailure(error: unknown): error is Error {
  return error instanceof Error && !isCode(error, 'aborted', 'storage', 'bug')
}
