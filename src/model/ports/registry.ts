import type { Readable } from 'node:stream'

export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** Bytes that were checked against the digest that names them. */
export interface VerifiedDocument {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
  /** 'GET https://registry.example/v2/…', without credentials. */
  readonly request: string
}

export interface ResolvedImage {
  /** host/repository, as asked. */
  readonly repository: string
  /** Whose credentials the registry was shown, in words; absent where it wanted none. */
  readonly credentials?: string
  /** The index, where the reference named one. */
  readonly index?: VerifiedDocument
  readonly manifest: VerifiedDocument
  readonly config: VerifiedDocument
  readonly layers: readonly Descriptor[]
  /** Of the uncompressed layers, in order, from the config. */
  readonly diffIds: readonly string[]
}

/**
 * OCI images from a registry (OCI distribution and image specifications, Docker schema 2). Documents are bounded (4 MiB)
 * and verified. Throws ImpoundError: refused (host neither known nor allowed), not-found, forbidden, unreachable,
 * integrity (bytes don't match their digest), unsupported (schema 1, unknown media type), too-big, timeout.
 */
export interface Registry {
  /** Whether the policy lets us ask the registry that a reference names; the reason if not. */
  allows(reference: string): { readonly allowed: boolean; readonly host: string; readonly why: string }
  /** The digest that a tag stands for now (HEAD, or GET and hash). */
  digestOf(reference: string, signal: AbortSignal): Promise<Descriptor>
  resolve(reference: string, platform: Platform, signal: AbortSignal): Promise<ResolvedImage>
  /** A blob's bytes as stored; the stream fails with `integrity` at its end when they don't match the digest. */
  blob(repository: string, descriptor: Descriptor, signal: AbortSignal): Promise<Readable>
}
