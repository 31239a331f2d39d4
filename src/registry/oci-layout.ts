import { ImpoundError, isCode } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import type { Descriptor, MatchedBy, Platform, VerifiedDocument } from '../model/ports/registry.js'
import { archivedDocument } from './archived-document.js'
import type { ArchiveFiles } from './archive-files.js'
import { checkBytes } from './digest.js'
import type { ArchivedImage } from './archived-image.js'
import { DOCUMENT_LIMIT, parseConfig, parsedJson, parseManifest } from './manifest.js'

/** Most manifests that a layout may list, of all its indexes together. */
const MOST_MANIFESTS = 1000
/** Where tools leave the reference; some put a bare tag there. */
const NAMES = ['io.containerd.image.name', 'org.opencontainers.image.ref.name'] as const

interface Listed {
  readonly descriptor: Descriptor
  readonly platform: Partial<Platform>
  readonly names: readonly string[]
  readonly index?: VerifiedDocument
}

/**
 * The images of an OCI image layout. Manifests that the index lists and the layout does not hold are passed over (a copy of
 * one platform leaves the others out), so is what is no image: attestations, signatures. Source: OCI image-spec, image-layout.md.
 */
export async function readOciLayout(
  files: ArchiveFiles,
  archive: string,
  signal: AbortSignal,
): Promise<readonly ArchivedImage[]> {
  const bytes = await archivedDocument(files, 'index.json', DOCUMENT_LIMIT, signal)
  const top = parseManifest(bytes)
  if (top.kind !== 'index') throw new ImpoundError('unsupported', `${archive}: index.json is no index`)
  const entries = asArray(at(parsedJson(bytes, 'index.json'), 'manifests'))
  const listed: Listed[] = []
  for (const [position, { descriptor, platform }] of top.manifests.entries()) {
    const names = NAMES.flatMap((key) => asString(at(entries[position], 'annotations', key)) ?? [])
    listed.push(...(await spread(files, archive, { descriptor, platform, names }, signal)))
    if (listed.length > MOST_MANIFESTS)
      throw new ImpoundError('too-big', `${archive} lists more than ${MOST_MANIFESTS} manifests`)
  }
  const images: ArchivedImage[] = []
  for (const one of listed) {
    const image = await imageOf(files, archive, one, signal)
    if (image !== undefined) images.push(image)
  }
  return images
}

/** A manifest as it is, an index as its manifests. */
async function spread(
  files: ArchiveFiles,
  archive: string,
  listed: Listed,
  signal: AbortSignal,
): Promise<readonly Listed[]> {
  const document = await blobDocument(files, archive, listed.descriptor, signal)
  if (document === undefined) return []
  const parsed = parseManifest(document.bytes)
  if (parsed.kind === 'manifest') return [listed]
  return parsed.manifests.map(({ descriptor, platform }) => ({
    ...{ descriptor, platform, names: listed.names, index: document },
  }))
}

async function imageOf(
  files: ArchiveFiles,
  archive: string,
  { descriptor, platform, names, index }: Listed,
  signal: AbortSignal,
): Promise<ArchivedImage | undefined> {
  const manifest = await blobDocument(files, archive, descriptor, signal)
  if (manifest === undefined || platform.os === 'unknown') return undefined
  const parsed = parseManifest(manifest.bytes)
  if (parsed.kind === 'index') return undefined
  const config = await blobDocument(files, archive, parsed.config, signal)
  const facts = config === undefined ? undefined : imageFacts(config.bytes)
  if (config === undefined || facts === undefined || facts.diffIds.length !== parsed.layers.length)
    return undefined
  const digests = new Map<string, Exclude<MatchedBy, 'name'>>([
    ...(index === undefined ? [] : [[index.descriptor.digest, 'index-digest'] as const]),
    [parsed.config.digest, 'config-digest'],
    [descriptor.digest, 'manifest-digest'],
  ])
  return {
    names,
    platform: { ...facts.platform, ...platform },
    digests,
    image: {
      ...(index === undefined ? {} : { index }),
      ...{ manifest, config, layers: parsed.layers, diffIds: facts.diffIds },
    },
    layerFiles: new Map(parsed.layers.map(({ digest }) => [digest, blobName(digest)])),
  }
}

/** Undefined where it is the config of something else: an attestation, a chart. */
function imageFacts(config: Buffer): ReturnType<typeof parseConfig> | undefined {
  try {
    return parseConfig(config)
  } catch (error) {
    if (isCode(error, 'unsupported')) return undefined
    throw error
  }
}

async function blobDocument(
  files: ArchiveFiles,
  archive: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<VerifiedDocument | undefined> {
  const name = blobName(descriptor.digest)
  if (files.size(name) === undefined) return undefined
  const bytes = await archivedDocument(files, name, DOCUMENT_LIMIT, signal)
  checkBytes(bytes, descriptor, `${name} of ${archive}`)
  return { descriptor, bytes, request: `image archive ${archive}: ${name}` }
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}
