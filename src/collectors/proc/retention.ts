import { isUtf8 } from 'node:buffer'

/** Bytes of the cluster's text that one table of processes may hold in memory; past them only beginnings are kept. */
const ALL_TEXT = 24 << 20
const BEGINNING = 256

/** Text as documents carry it: U+FFFD where the bytes are no UTF-8, and then the bytes in base64. */
export interface KeptText {
  readonly text: string
  readonly b64?: string
}

/** Cuts what is kept of hostile text, one by one and in all. */
export class Retention {
  #left = ALL_TEXT

  /** A copy of at most `most` bytes of it: what it is part of may be much larger. */
  cut(bytes: Buffer, most: number): Buffer {
    const length = Math.min(bytes.length, this.#left > 0 ? most : Math.min(most, BEGINNING))
    this.#left -= length
    return Buffer.from(bytes.subarray(0, length))
  }
}

/** `latin1` has a byte in each character. */
export function keptText(latin1: string): KeptText {
  const bytes = Buffer.from(latin1, 'latin1')
  const text = bytes.toString('utf8')
  return isUtf8(bytes) ? { text } : { text, b64: bytes.toString('base64') }
}
