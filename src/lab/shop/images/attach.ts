import { createHash } from 'node:crypto'

import type { JsonObject } from '../../../model/json.js'
import type { LabImage } from '../../types.js'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const EMPTY = Buffer.from('{}')

/** Something about an image that is kept beside it: a signature, an attestation, a list of parts. */
export interface Attachment {
  readonly artifactType: string
  readonly layers: readonly {
    readonly mediaType: string
    readonly bytes: Buffer
    readonly annotations?: Readonly<Record<string, string>>
  }[]
  readonly annotations?: Readonly<Record<string, string>>
  /** Also, or only, found by a tag: cosign's `sha256-<hex>.sig`, with this end. */
  readonly tagEnd?: string
  /** Whether the manifest names its subject, so that the referrers API finds it; if not said, it does. */
  readonly subject?: boolean
}

/** The image with something attached to the manifest of this digest. */
export function withAttachment(image: LabImage, subject: string, attachment: Attachment): LabImage {
  const target = image.manifests.get(subject)
  if (target === undefined) throw new Error(`no manifest ${subject} in ${image.repository}`)
  const blobs = new Map(image.blobs)
  const add = (mediaType: string, bytes: Buffer): JsonObject => {
    blobs.set(sha256(bytes), bytes)
    return { mediaType, digest: sha256(bytes), size: bytes.length }
  }
  const document: JsonObject = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: attachment.artifactType,
    config: add('application/vnd.oci.empty.v1+json', EMPTY),
    layers: attachment.layers.map(({ mediaType, bytes, annotations }) => ({
      ...add(mediaType, bytes),
      ...(annotations === undefined ? {} : { annotations }),
    })),
    ...(attachment.subject === false
      ? {}
      : { subject: { mediaType: target.mediaType, digest: subject, size: target.bytes.length } }),
    ...(attachment.annotations === undefined ? {} : { annotations: attachment.annotations }),
  }
  const bytes = Buffer.from(JSON.stringify(document))
  const manifests = new Map(image.manifests).set(sha256(bytes), { mediaType: MANIFEST, bytes })
  const tags =
    attachment.tagEnd === undefined
      ? image.tags
      : { ...image.tags, [`${subject.replace(':', '-')}${attachment.tagEnd}`]: sha256(bytes) }
  return { repository: image.repository, tags, manifests, blobs }
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** The image with a signature as cosign leaves it: a tag beside it, and a referrer. The signature itself is none. */
export function signed(image: LabImage & { readonly digest: string }): LabImage {
  const payload = {
    critical: {
      identity: { 'docker-reference': image.repository },
      image: { 'docker-manifest-digest': image.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  }
  return withAttachment(image, image.digest, {
    artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
    tagEnd: '.sig',
    layers: [
      {
        mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
        bytes: Buffer.from(JSON.stringify(payload)),
        annotations: { 'dev.cosignproject.cosign/signature': Buffer.alloc(70, 0x30).toString('base64') },
      },
    ],
  })
}
