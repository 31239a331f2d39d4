import { createHash, type Hash } from 'node:crypto'

import { readTar } from '../formats/tar.js'
import { ImpoundError } from '../model/errors.js'
import { hashContent } from './content-hash.js'
import { factsOf } from './facts.js'
import type { LayerMember } from './layer-record.js'
import { openLayer } from './layer-stream.js'
import { pathKey } from './path-key.js'

/** A few bytes of layer can promise exabytes of holes, and each would be hashed. */
const MAX_SPARSE_BYTES = 2 ** 36

/**
 * Reads a layer's blob and hands on what is in it, in order. Throws `integrity` where its tar is not the diff_id's: what was
 * handed on till then is worth nothing.
 */
export async function indexLayer(
  blob: AsyncIterable<Uint8Array>,
  diffId: string,
  take: (member: LayerMember) => void,
): Promise<void> {
  const { tar } = await openLayer(blob)
  const hash = createHash(diffId.startsWith('sha512:') ? 'sha512' : 'sha256')
  const failure = await readMembers(hashed(tar, hash), take).then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (failure === undefined && `${diffId.slice(0, 6)}:${hash.digest('hex')}` === diffId) return
  if (failure?.error instanceof Error) throw failure.error
  throw new ImpoundError('integrity', `a layer is not what the image config names: ${diffId}`)
}

async function readMembers(
  tar: AsyncIterable<Uint8Array>,
  take: (member: LayerMember) => void,
): Promise<void> {
  for await (const entry of readTar(tar)) {
    const key = pathKey(entry.header.path)
    const facts = factsOf(entry.header)
    // No runtime unpacks a name with '..' below the root; what it would be is not known
    if (key === undefined || facts === undefined) continue
    if ((entry.header.sparse?.realSize ?? 0) > MAX_SPARSE_BYTES) {
      throw new ImpoundError(
        'too-big',
        `a layer holds a file of more than ${MAX_SPARSE_BYTES} bytes, most of them holes`,
      )
    }
    take({ key, facts: facts.type === 'file' ? { ...facts, sha256: await hashContent(entry) } : facts })
  }
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}
