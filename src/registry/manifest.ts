import { ImpoundError } from '../model/errors.js'
import { asArray, asNumber, asObject, asString, at, type Json } from '../model/json.js'
import type { Descriptor, Platform } from '../model/ports/registry.js'
import { isDigest } from './reference.js'

/** Most bytes of a manifest, index or config: what registries themselves allow for manifests. */
export const DOCUMENT_LIMIT = 4 << 20

/** Media types of OCI image-spec 1.1 and Docker schema 2. */
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
] as const

export type ImageManifest =
  | {
      readonly kind: 'index'
      readonly manifests: readonly { readonly descriptor: Descriptor; readonly platform: Partial<Platform> }[]
    }
  | { readonly kind: 'manifest'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }

/**
 * Reads an index or a manifest. Throws `unsupported` for schema 1 and for what is neither, `integrity` for a document that
 * could be read as both (CVE-2021-41190) or whose descriptors are malformed.
 */
export function parseManifest(bytes: Buffer): ImageManifest {
  const document = asObject(parsedJson(bytes, 'manifest'))
  if (document === undefined || document['schemaVersion'] !== 2) {
    throw new ImpoundError(
      'unsupported',
      'the registry answers with a manifest of a schema that we do not read',
    )
  }
  const hasIndex = document['manifests'] !== undefined
  const hasImage = document['config'] !== undefined || document['layers'] !== undefined
  if (hasIndex && hasImage) throw new ImpoundError('integrity', 'a manifest that is an index as well')
  if (hasIndex) {
    return {
      kind: 'index',
      manifests: asArray(document['manifests']).map((entry) => ({
        descriptor: descriptorOf(entry),
        platform: platformOf(at(entry, 'platform')),
      })),
    }
  }
  if (!hasImage) throw new ImpoundError('unsupported', 'the manifest describes no image')
  return {
    kind: 'manifest',
    config: descriptorOf(document['config']),
    layers: asArray(document['layers']).map(descriptorOf),
  }
}

/** diff_ids of the config, base first, and its platform. Throws `unsupported` where it is no image's config. */
export function parseConfig(bytes: Buffer): {
  readonly diffIds: readonly string[]
  readonly platform: Partial<Platform>
} {
  const config = parsedJson(bytes, 'image config')
  return { diffIds: diffIdsOf(config), platform: platformOf(config) }
}

function diffIdsOf(config: Json): readonly string[] {
  const rootfs = at(config, 'rootfs', 'diff_ids')
  if (!Array.isArray(rootfs)) throw new ImpoundError('unsupported', 'the image config names no layers')
  return asArray(rootfs).map((id) => {
    const digest = asString(id)
    if (digest === undefined || !isDigest(digest))
      throw new ImpoundError('integrity', 'a diff_id of the image config is no digest')
    return digest
  })
}

/**
 * The entry of an index for a platform: the same variant if there is one, else one without, else the first of that
 * system and architecture. Throws `unsupported`, naming what there is.
 */
export function choosePlatform(
  index: Extract<ImageManifest, { readonly kind: 'index' }>,
  platform: Platform,
): Descriptor {
  const fitting = index.manifests.filter(
    (entry) => entry.platform.os === platform.os && entry.platform.architecture === platform.architecture,
  )
  const chosen =
    fitting.find((entry) => entry.platform.variant === platform.variant) ??
    fitting.find((entry) => entry.platform.variant === undefined) ??
    fitting[0]
  if (chosen !== undefined) return chosen.descriptor
  const offered = index.manifests
    .map((entry) => describePlatform(entry.platform))
    .filter((name) => name !== 'unknown/unknown')
  throw new ImpoundError(
    'unsupported',
    `the index has no image for ${describePlatform(platform)}, only ${offered.join(', ') || 'others'}`,
  )
}

function describePlatform(platform: Partial<Platform>): string {
  const base = `${platform.os ?? 'unknown'}/${platform.architecture ?? 'unknown'}`
  return platform.variant === undefined ? base : `${base}/${platform.variant}`
}

/** Throws `integrity` where the bytes are no JSON. */
export function parsedJson(bytes: Buffer, what: string): Json {
  try {
    return JSON.parse(bytes.toString('utf8')) as Json
  } catch (error) {
    throw new ImpoundError('integrity', `the ${what} is no JSON`, { cause: error })
  }
}

function descriptorOf(value: unknown): Descriptor {
  const mediaType = asString(at(value, 'mediaType'))
  const digest = asString(at(value, 'digest'))
  const size = asNumber(at(value, 'size'))
  if (
    mediaType === undefined ||
    digest === undefined ||
    !isDigest(digest) ||
    size === undefined ||
    !Number.isSafeInteger(size) ||
    size < 0
  ) {
    throw new ImpoundError('integrity', 'a descriptor of the manifest is malformed')
  }
  return { mediaType, digest, size }
}

function platformOf(value: unknown): Partial<Platform> {
  const os = asString(at(value, 'os'))
  const architecture = asString(at(value, 'architecture'))
  const variant = asString(at(value, 'variant'))
  return {
    ...(os === undefined ? {} : { os }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(variant === undefined || variant === '' ? {} : { variant }),
  }
}
