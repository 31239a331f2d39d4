import type { Attachment, MatchedBy } from './ports/registry.js'

/** image/<container>/image.json */
export interface ImageDocument {
  readonly schema: 'impound/image/v1'
  readonly derivedFrom: readonly string[]
  readonly container: string
  /** The reference in the spec, and what the runtime says it runs. */
  readonly reference: string
  readonly imageID: string
  /** The digest that the image ID names: of a manifest, of an index, or of a config; undefined where it names none. */
  readonly digest?: string
  /** What the registry had under that digest; undefined where it was not asked or did not answer. */
  readonly registry?: {
    /** Where the documents were had: of an archive, `repository` is its file name. */
    readonly source: 'registry' | 'image-archive'
    readonly repository: string
    /** By what the image of an archive was taken for the one that runs. */
    readonly matchedBy?: MatchedBy
    /** Whose credentials the registry was shown; absent where it wanted none. */
    readonly credentials?: string
    /** Absent for a docker-archive, which has no manifest. */
    readonly manifestDigest?: string
    readonly indexDigest?: string
    readonly configDigest: string
    readonly platform: string
    readonly created?: string
    readonly layers: readonly {
      readonly digest: string
      readonly mediaType: string
      readonly size: number
      readonly diffId?: string
    }[]
    readonly history: readonly {
      readonly created?: string
      readonly createdBy: string
      readonly emptyLayer: boolean
    }[]
  }
  /** What the registry keeps beside the image; absent where it could not be asked. Nothing of it is verified. */
  readonly attachments?: readonly (Attachment & {
    /** Archive paths of its manifest and its parts, each checked against its digest. What they say is not verified. */
    readonly kept: readonly string[]
    /** Why not all of it was kept. */
    readonly notKept?: string
  })[]
  /** What the tag stands for now, where the reference has a tag and the registry was asked. */
  readonly tagNow?: { readonly tag: string; readonly digest: string; readonly drifted: boolean }
  readonly notes: readonly string[]
}

/** image-export.json: what the OCI layout in image-export/ holds. */
export interface ImageExportDocument {
  readonly schema: 'impound/image-export/v1'
  readonly derivedFrom: readonly string[]
  readonly images: readonly {
    /** In the layout, one for each container: `skopeo copy oci:image-export:NAME …`. */
    readonly names: readonly string[]
    readonly containers: readonly string[]
    /** host/repository@digest of the manifest; of an archive its file name in place of the repository. */
    readonly image: string
    readonly layers: number
    /** Of the layers as stored. */
    readonly bytes: number
    /** Whether all of it is here, each blob checked against its digest; what is not is not listed in the layout's index. */
    readonly whole: boolean
    readonly why?: string
  }[]
}
