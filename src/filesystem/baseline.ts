import type { FilesystemSummary } from '../model/filesystem-documents.js'
import { isCode } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { Platform, Registry, ResolvedImage } from '../model/ports/registry.js'
import type { TargetContainer } from '../model/target.js'
import { indexImage } from './image-index.js'
import { findImage, wantedImage } from './image-source.js'
import type { ImageTree } from './image-tree.js'
import type { LayerCache } from './layer-cache.js'

/** What a container is compared with, and how it stands in summary.json. */
export interface Baseline {
  readonly tree: ImageTree
  readonly facts: Omit<FilesystemSummary['baseline'], 'entries'>
}

interface KeptBaseline extends Baseline {
  readonly configDigest: string
}

/**
 * Indexes images for the containers of one target, one after the other. The last index is kept, for containers of the same
 * image that follow each other; two at once would be twice the memory.
 */
export class Baselines {
  readonly #registry: Registry
  readonly #platform: Platform
  readonly #cache: LayerCache
  readonly #signal: AbortSignal
  #last: KeptBaseline | undefined

  constructor(registry: Registry, platform: Platform, cache: LayerCache, signal: AbortSignal) {
    this.#registry = registry
    this.#platform = platform
    this.#cache = cache
    this.#signal = signal
  }

  /**
   * The image of a container: every layer matched its digest and its diff_id. `imageDocument` is image.json of the container,
   * where the image collector left one. Throws what the registry throws.
   */
  async of(
    container: TargetContainer,
    imageDocument: unknown,
    progress: (bytes: number) => void,
  ): Promise<Baseline> {
    const image = await this.#resolve(container, imageDocument)
    const configDigest = image.config.descriptor.digest
    // The config names every layer: where it is the same, so is the tree
    if (this.#last?.configDigest === configDigest) return this.#last
    this.#last = undefined
    const options = { signal: this.#signal, progress }
    const { tree, cachedLayers } = await indexImage(this.#registry, image, this.#cache, options)
    this.#last = { tree, configDigest, facts: factsOf(image, cachedLayers) }
    return this.#last
  }

  async #resolve(container: TargetContainer, imageDocument: unknown): Promise<ResolvedImage> {
    const archived = this.#registry.archived(wantedImage(container.image, container.imageID), this.#platform)
    if (archived !== undefined) return archived
    const repository = asString(at(imageDocument, 'registry', 'repository'))
    const digest = asString(at(imageDocument, 'registry', 'manifestDigest'))
    if (repository !== undefined && digest !== undefined)
      return this.#registry.resolve(`${repository}@${digest}`, this.#platform, this.#signal)
    return findImage(this.#registry, container.image, container.imageID, this.#platform, this.#signal)
  }
}

function factsOf(image: ResolvedImage, cachedLayers: number): Baseline['facts'] {
  const { archive, manifest, config } = image
  return {
    ...(archive === undefined
      ? { source: 'registry' }
      : { source: 'image-archive', archive: image.repository, matchedBy: archive.matchedBy }),
    ...(manifest === undefined ? {} : { manifestDigest: manifest.descriptor.digest }),
    configDigest: config.descriptor.digest,
    verified: true,
    cachedLayers,
  }
}

/** Whether an image could not be had for a reason that is the image's or the registry's: reading goes on without it. */
export function isBaselineFailure(error: unknown): error is Error {
  return error instanceof Error && !isCode(error, 'aborted', 'storage', 'bug')
}
