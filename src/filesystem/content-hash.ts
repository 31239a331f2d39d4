import { createHash, hash as hashOf } from 'node:crypto'

import { expandSparse } from '../formats/tar-sparse.js'
import type { TarEntry } from '../formats/tar.js'

/**
 * SHA-256 (raw bytes as latin1) of a file as a reader of it sees it, holes included. `onStored` gets each stored piece
 * first and may hold the stream up.
 */
export async function hashContent(
  entry: TarEntry,
  onStored?: (piece: Buffer) => Promise<void> | void,
): Promise<string> {
  const isPlain = onStored === undefined && entry.header.sparse === undefined
  const atOnce = isPlain ? entry.content.whole() : undefined
  if (atOnce !== undefined) return hashOf('sha256', atOnce, 'binary')
  const hash = createHash('sha256')
  const stored = onStored === undefined ? entry.content : tapped(entry.content, onStored)
  const whole = entry.header.sparse === undefined ? stored : expandSparse(entry.header.sparse, stored)
  for await (const piece of whole) hash.update(piece)
  return hash.digest('binary')
}

async function* tapped(
  content: AsyncIterable<Buffer>,
  onStored: (piece: Buffer) => Promise<void> | void,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const piece of content) {
    await onStored(piece)
    yield piece
  }
}
