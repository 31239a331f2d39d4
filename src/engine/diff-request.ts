import type { Platform } from '../model/ports/registry.js'
import type { ImageRequest } from './images.js'

/** What `impound diff` was asked. */
export interface DiffRequest {
  /** A reference, an image archive, or an archive of impound. */
  readonly a: string
  readonly b: string
  /** Of captures: the container, where an archive has several. */
  readonly container?: string
  readonly pod?: string
  readonly platform: Platform
  /** Most changed files that are told, the oddest first. */
  readonly limit: number
  readonly images: Pick<ImageRequest, 'registry' | 'registryConfig'>
  readonly requestTimeoutMs: number
}
