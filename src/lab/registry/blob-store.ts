import { randomBytes } from 'node:crypto'

import type { LabImage } from '../types.js'
import type { Answer } from './answer.js'
import { rangeOf } from './range.js'

const PATH = /^\/blobs\/(sha256:[0-9a-f]{64})$/

/**
 * Where a registry redirects to for its blobs: object storage at another address, whose addresses are signed and which
 * refuses a request that brings an Authorization header of its own beside that, as S3 does.
 */
export class BlobStore {
  readonly #images: readonly LabImage[]
  readonly #signature = randomBytes(16).toString('hex')
  /** 'http://localhost:PORT'; set once it is known. */
  url = ''

  constructor(images: readonly LabImage[]) {
    this.#images = images
  }

  /** What the registry says instead of a blob. */
  redirect(digest: string): Answer {
    const location = `${this.url}/blobs/${digest}?X-Amz-Signature=${this.#signature}`
    return { status: 307, headers: { location, 'docker-content-digest': digest }, body: Buffer.alloc(0) }
  }

  answer(
    target: string,
    headers: { readonly authorization?: string | undefined; readonly range?: string | undefined },
  ): Answer {
    const { pathname, searchParams } = new URL(target, 'http://localhost')
    const digest = PATH.exec(decodeURIComponent(pathname))?.[1]
    if (headers.authorization !== undefined) {
      return refusal(
        400,
        'InvalidArgument',
        'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
      )
    }
    if (searchParams.get('X-Amz-Signature') !== this.#signature) {
      return refusal(403, 'AccessDenied', 'Access Denied')
    }
    const bytes = this.#images.find(({ blobs }) => blobs.has(digest ?? ''))?.blobs.get(digest ?? '')
    if (bytes === undefined) return refusal(404, 'NoSuchKey', 'The specified key does not exist.')
    const type = { 'content-type': 'binary/octet-stream', 'accept-ranges': 'bytes' }
    return rangeOf({ status: 200, headers: type, body: bytes }, headers.range)
  }
}

function refusal(status: number, code: string, message: string): Answer {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) }
}
