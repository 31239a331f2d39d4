import type { Readable } from 'node:stream'

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** What is looked for in archives. */
export interface WantedImage {
  readonly digest: string | undefined
  /** As the pod's spec has it. */
  readonly reference: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** Something that says something of an image, kept beside it. That it is there does not make it true: nothing of it is verified. */
export interface Attachment extends Descriptor {
  readonly kind: 'signature' | 'attestation' | 'sbom' | 'other'
  readonly artifactType?: string
  /** The manifest or index that it is attached to. */
  readonly subject: string
  readonly foundBy: 'referrers-api' | 'referrers-tag' | 'cosign-tag'
}

/** Bytes that were checked against the digest that names them. */
export interface VerifiedDocument {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
  /** 'GET https://registry.example/v2/…', without credentials. */
  readonly request: string
}

/** By what an image of an archive was found to be the one that is meant; a name alone proves nothing. */
export type MatchedBy = 'manifest-digest' | 'index-digest' | 'config-digest' | 'name'

export interface ResolvedImage {
  /** host/repository, as asked; of an archive its file name. */
  readonly repository: string
  /** The file or folder that it comes from, where it is not a registry. */
  readonly archive?: { readonly path: string; readonly matchedBy: MatchedBy }
  /** Whose credentials the registry was shown, in words; absent where it wanted none. */
  readonly credentials?: string
  /** The index, where the reference named one. */
  readonly index?: VerifiedDocument
  /** Absent for an image of a docker-archive, which has none. */
  readonly manifest?: VerifiedDocument
  readonly config: VerifiedDocument
  readonly layers: readonly Descriptor[]
  /** Of the uncompressed layers, in order, from the config. */
  readonly diffIds: readonly string[]
}

/**
 * OCI images from a registry, or from files that the user gave (OCI distribution and image specifications, Docker schema 2). Documents are bounded (4 MiB)
 * and verified. Throws ImpoundError: refused (host neither known nor allowed), not-found, forbidden, unreachable,
 * integrity (bytes don't match their digest), unsupported (schema 1, unknown media type), too-big, timeout.
 */
export interface Registry {
  /** An image in the files that the user gave: by the digest that runs, else by the reference of the spec. */
  archived(wanted: WantedImage, platform: Platform): ResolvedImage | undefined
  /** Whether the policy lets us ask the registry that a reference names; the reason if not. */
  allows(reference: string): { readonly allowed: boolean; readonly host: string; readonly why: string }
  /** The digest that a tag stands for now (HEAD, or GET and hash). */
  digestOf(reference: string, signal: AbortSignal): Promise<Descriptor>
  resolve(reference: string, platform: Platform, signal: AbortSignal): Promise<ResolvedImage>
  /** Signatures, attestations and lists of parts that a registry keeps beside an image; none for one of an archive. */
  attachments(image: ResolvedImage, signal: AbortSignal): Promise<readonly Attachment[]>
  /**
   * The manifest of an attachment, checked against its digest, and the parts that it names, which {@link blob} gives. An index has no parts. What they
   * say is not verified.
   */
  attached(
    image: Pick<ResolvedImage, 'repository'>,
    attachment: Descriptor,
    signal: AbortSignal,
  ): Promise<{ readonly manifest: VerifiedDocument; readonly parts: readonly Descriptor[] }>
  /**
   * A layer's bytes as stored; the stream fails with `integrity` at its end when they don't match the digest. A docker-archive
   * names no digest of what it stores: there only the diff_id can be checked, by whoever inflates it.
   */
  blob(
    image: Pick<ResolvedImage, 'repository' | 'archive'>,
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<Readable>
}
