import { asObject, asString, at, type JsonObject } from '../../model/json.js'
import type { LabImage } from '../types.js'
import type { Answer } from './answer.js'

const INDEX = 'application/vnd.oci.image.index.v1+json'

/**
 * The manifests of a repository that name this digest as their subject, as an index; an empty one where there are none.
 * Source: OCI distribution specification 1.1, listing referrers.
 */
export function referrersAnswer(image: LabImage, subject: string, artifactType: string | null): Answer {
  const all = [...image.manifests].flatMap(([digest, { mediaType, bytes }]) => {
    const manifest = parsed(bytes)
    if (asString(at(manifest, 'subject', 'digest')) !== subject) return []
    return [descriptor(digest, mediaType, bytes, manifest)]
  })
  const found = artifactType === null ? all : all.filter((referrer) => referrer.artifactType === artifactType)
  return {
    status: 200,
    headers: {
      'content-type': INDEX,
      ...(artifactType === null ? {} : { 'oci-filters-applied': 'artifactType' }),
    },
    body: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: found })),
  }
}

function descriptor(
  digest: string,
  mediaType: string,
  bytes: Buffer,
  manifest: JsonObject | undefined,
): JsonObject {
  const artifactType = asString(manifest?.artifactType) ?? asString(at(manifest, 'config', 'mediaType')) ?? ''
  const annotations = asObject(manifest?.annotations)
  return {
    mediaType,
    digest,
    size: bytes.length,
    artifactType,
    ...(annotations === undefined ? {} : { annotations }),
  }
}

function parsed(bytes: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(bytes.toString()))
  } catch {
    return undefined
  }
}
