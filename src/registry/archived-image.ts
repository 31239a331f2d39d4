import type { MatchedBy, Platform, ResolvedImage } from '../model/ports/registry.js'

/** One image of an archive, its documents verified, its layers not yet read. */
export interface ArchivedImage {
  /** References and bare tags that the archive gives it. */
  readonly names: readonly string[]
  readonly platform: Partial<Platform>
  /** Every digest that it may be asked by: of the index, the manifest, the config. */
  readonly digests: ReadonlyMap<string, Exclude<MatchedBy, 'name'>>
  readonly image: Omit<ResolvedImage, 'repository'>
  /** Where each layer's bytes stand, by the digest of its descriptor. */
  readonly layerFiles: ReadonlyMap<string, string>
}
