import type { ByteReader } from './byte-reader.js'

/** What follows the end of a format in its file: padding where it is zero, else something that hides there. */
export interface Trailing {
  readonly bytes: number
  readonly zero: boolean
}

/** Reads the source to its end. `first` was read already. */
export async function readTrailing(reader: ByteReader, first: Buffer = Buffer.alloc(0)): Promise<Trailing> {
  let bytes = first.length
  let zero = isZero(first)
  for (let slice = await reader.some(); slice !== undefined; slice = await reader.some()) {
    bytes += slice.length
    zero &&= isZero(slice)
  }
  return { bytes, zero }
}

const ZEROS = Buffer.alloc(64 << 10)

export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const slice = bytes.subarray(at, at + ZEROS.length)
    if (slice.compare(ZEROS, 0, slice.length) !== 0) return false
  }
  return true
}
