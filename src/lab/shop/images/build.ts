import { createHash } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'

import type { JsonObject } from '../../../model/json.js'
import type { LabImage } from '../../types.js'
import { tarArchive } from '../files/tar-writer.js'
import type { Layer } from '../files/tree.js'
import type { Architecture } from './draft.js'
import { BUILT_AT } from './draft.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const INDEX = 'application/vnd.oci.image.index.v1+json'
const CONFIG = 'application/vnd.oci.image.config.v1+json'
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

type LayerCompression = 'gzip' | 'zstd' | 'none'

export interface PlatformDraft {
  readonly architecture: Architecture
  /** Base first, each with the instruction that made it. */
  readonly layers: readonly {
    readonly createdBy: string
    readonly layer: Layer
    /** Gzip, if not said. */
    readonly compression?: LayerCompression
  }[]
  /** The `config` object of the image configuration: Env, Entrypoint, User, … */
  readonly config: JsonObject
}

export interface ImageDraft {
  readonly repository: string
  readonly tag: string
  /** One: the tag names its manifest. Several: the tag names an index of them. */
  readonly platforms: readonly PlatformDraft[]
}

export interface BuiltImage extends LabImage {
  /** What the tag names, and so what containerd says as image ID. */
  readonly digest: string
}

interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

/** An image as a registry keeps it: every document and layer as its bytes. Source: OCI image specification 1.1. */
export function buildImage(draft: ImageDraft): BuiltImage {
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, { readonly mediaType: string; readonly bytes: Buffer }>()
  const addManifest = (mediaType: string, document: JsonObject): Descriptor => {
    const bytes = json(document)
    const descriptor = describe(mediaType, bytes)
    manifests.set(descriptor.digest, { mediaType, bytes })
    return descriptor
  }
  const platforms = draft.platforms.map((platform) => ({
    platform: { architecture: platform.architecture, os: 'linux' },
    ...addManifest(MANIFEST, platformManifest(platform, blobs)),
  }))
  const [only] = platforms
  const digest =
    platforms.length === 1 && only !== undefined
      ? only.digest
      : addManifest(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: platforms.map((entry) => entry) })
          .digest
  return { repository: draft.repository, tags: { [draft.tag]: digest }, manifests, blobs, digest }
}

function platformManifest(platform: PlatformDraft, blobs: Map<string, Buffer>): JsonObject {
  const addBlob = (mediaType: string, bytes: Buffer): JsonObject => {
    const descriptor = describe(mediaType, bytes)
    blobs.set(descriptor.digest, bytes)
    return { ...descriptor }
  }
  const layers = platform.layers.map(({ createdBy, layer, compression = 'gzip' }) => {
    const tar = layerTar(layer)
    const { suffix, bytes } = compressed(tar, compression)
    return { createdBy, diffId: sha256(tar), descriptor: addBlob(`${LAYER}${suffix}`, bytes) }
  })
  const created = new Date(BUILT_AT * 1000).toISOString()
  const config = addBlob(
    CONFIG,
    json({
      created,
      architecture: platform.architecture,
      os: 'linux',
      config: platform.config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: [
        ...layers.map(({ createdBy }) => ({
          created,
          created_by: createdBy,
          comment: 'buildkit.dockerfile.v0',
        })),
        { created, created_by: 'ENTRYPOINT', comment: 'buildkit.dockerfile.v0', empty_layer: true },
      ],
    }),
  )
  return { schemaVersion: 2, mediaType: MANIFEST, config, layers: layers.map(({ descriptor }) => descriptor) }
}

function compressed(tar: Buffer, compression: LayerCompression): { suffix: string; bytes: Buffer } {
  switch (compression) {
    case 'gzip':
      return { suffix: '+gzip', bytes: gzipSync(tar, { level: 9 }) }
    case 'zstd':
      return { suffix: '+zstd', bytes: zstdCompressSync(tar) }
    case 'none':
      return { suffix: '', bytes: tar }
  }
}

function layerTar(layer: Layer): Buffer {
  const members = layer.map(([path, node]) => ({ name: node.kind === 'directory' ? `${path}/` : path, node }))
  return Buffer.concat([...tarArchive(members, 'pax')])
}

function describe(mediaType: string, bytes: Buffer): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length }
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

function json(document: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(document, null, 2), 'utf8')
}
