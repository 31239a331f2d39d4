import type { LabImage } from '../types.js'

import type { Answer } from './answer.js'
import { errorAnswer, jsonAnswer } from './answer.js'
import { rangeOf } from './range.js'
import { referrersAnswer } from './referrers.js'

/** What a request names. Source: OCI distribution specification 1.1, endpoints. */
export type Route =
  | {
      readonly kind: 'manifest' | 'blob' | 'referrers'
      readonly repository: string
      readonly reference: string
    }
  | { readonly kind: 'tags'; readonly repository: string }

/** The route of a path below /v2/; undefined for anything else. A repository's name may have slashes. */
export function routeOf(path: string): Route | undefined {
  const match = /^\/v2\/(.+)\/(manifests|blobs|tags|referrers)\/([^/]+)$/.exec(path)
  const [repository = '', kind, reference = ''] = match?.slice(1) ?? []
  switch (kind) {
    case 'manifests':
      return { kind: 'manifest', repository, reference }
    case 'blobs':
      return { kind: 'blob', repository, reference }
    case 'referrers':
      return { kind: 'referrers', repository, reference }
    case 'tags':
      return reference === 'list' ? { kind: 'tags', repository } : undefined
    case undefined:
    default:
      return undefined
  }
}

export interface ContentRequest {
  readonly accept?: string | undefined
  readonly range?: string | undefined
  readonly query: URLSearchParams
}

/** The documents and layers of the images, by what a request names and accepts. */
export function contentAnswer(images: readonly LabImage[], route: Route, request: ContentRequest): Answer {
  const image = images.find(({ repository }) => repository === route.repository)
  if (image === undefined) return errorAnswer(404, 'NAME_UNKNOWN', 'repository name not known to registry')
  switch (route.kind) {
    case 'manifest':
      return manifestAnswer(image, route.reference, request.accept)
    case 'blob':
      return rangeOf(blobAnswer(image, route.reference), request.range)
    case 'referrers':
      return referrersAnswer(image, route.reference, request.query.get('artifactType'))
    case 'tags':
      return jsonAnswer({ name: image.repository, tags: Object.keys(image.tags).sort() })
  }
}

function manifestAnswer(image: LabImage, reference: string, accept: string | undefined): Answer {
  const digest = reference.startsWith('sha256:')
    ? reference
    : Object.hasOwn(image.tags, reference)
      ? image.tags[reference]
      : undefined
  const manifest = digest === undefined ? undefined : image.manifests.get(digest)
  if (digest === undefined || manifest === undefined) {
    return errorAnswer(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
  }
  if (!accepts(accept, manifest.mediaType)) {
    const message = `${manifest.mediaType} found, but the accept header does not support it`
    return errorAnswer(404, 'MANIFEST_UNKNOWN', message)
  }
  return {
    status: 200,
    headers: { 'content-type': manifest.mediaType, 'docker-content-digest': digest },
    body: manifest.bytes,
  }
}

function blobAnswer(image: LabImage, digest: string): Answer {
  const bytes = image.blobs.get(digest)
  if (bytes === undefined) return errorAnswer(404, 'BLOB_UNKNOWN', 'blob unknown to registry')
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'docker-content-digest': digest,
      'accept-ranges': 'bytes',
    },
    body: bytes,
  }
}

/** No Accept header accepts everything; weights are not looked at. */
function accepts(accept: string | undefined, mediaType: string): boolean {
  const ranges = (accept ?? '*/*').split(',').map((range) => range.replace(/;.*$/, '').trim())
  return ranges.some((range) => range === '*/*' || range === 'application/*' || range === mediaType)
}
