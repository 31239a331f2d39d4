import { createHash, type Hash } from 'node:crypto'

import { ImpoundError } from '../model/errors.js'
import type { Descriptor } from '../model/ports/registry.js'
import { isDigest } from './reference.js'

/** A running hash of the algorithm that a digest names. Throws `unsupported` for another than sha256 and sha512. */
export function hashFor(digest: string): Hash {
  if (!isDigest(digest)) {
    throw new ImpoundError('unsupported', `${JSON.stringify(digest.slice(0, 150))} is no digest that we know`)
  }
  return createHash(digest.startsWith('sha512:') ? 'sha512' : 'sha256')
}

/** Throws `integrity` unless the hash is the one that the digest names. */
export function checkDigest(hash: Hash, digest: string, what: string): void {
  const found = `${digest.slice(0, digest.indexOf(':'))}:${hash.digest('hex')}`
  if (found !== digest) {
    throw new ImpoundError('integrity', `${what} should be ${digest}, its bytes are ${found}`)
  }
}

/** Throws `integrity` unless the bytes are those of the descriptor. */
export function checkBytes(bytes: Buffer, descriptor: Descriptor, what: string): void {
  if (bytes.length !== descriptor.size) {
    throw new ImpoundError(
      'integrity',
      `${what} should have ${descriptor.size} bytes, it has ${bytes.length}`,
    )
  }
  checkDigest(hashFor(descriptor.digest).update(bytes), descriptor.digest, what)
}

export function sha256Digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
