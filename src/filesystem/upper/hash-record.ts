import type { ByteReader } from '../../formats/byte-reader.js'
import { ImpoundError } from '../../model/errors.js'
import { pathKey } from '../path-key.js'
import { upToByte } from './inode-record.js'

/** The digest that the node computed of a file whose content did not come. */
export interface HashRecord {
  readonly key: string
  /** The 32 bytes as latin1. */
  readonly sha256: string
}

/** Reads what `sha256sum -z` writes, up to the empty record that ends it; sorted as the list of paths is. Throws as that does. */
export async function* readHashRecords(
  reader: ByteReader,
): AsyncGenerator<{ readonly record: HashRecord; readonly raw: Buffer }, void, undefined> {
  let last: string | undefined
  for (;;) {
    const raw = await upToByte(reader, 0)
    if (raw.length === 1) return
    const match = /^([0-9a-f]{64}) [ *](\.\/[^]+)$/.exec(raw.toString('latin1', 0, raw.length - 1))
    const key = pathKey(Buffer.from(match?.[2] ?? '..', 'latin1'))
    if (match?.[1] === undefined || key === undefined)
      throw new ImpoundError('integrity', 'the list of digests has a malformed line')
    if (last !== undefined && key <= last)
      throw new ImpoundError('integrity', 'the list of digests is not sorted')
    last = key
    yield { record: { key, sha256: Buffer.from(match[1], 'hex').toString('latin1') }, raw }
  }
}
