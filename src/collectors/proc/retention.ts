import { isUtf8 } from 'node:buffer'

/** Bytes of the cluster's text that one table of processes may hold in memory; past them only beginnings are kept. */
const ALL_TEXT = 24 << 20
const BEGINNING = 256
/** Of each kind, texts that are looked up when another comes that may be the same, and how long one may be. */
const MOST_SHARED = 2_000
const LONGEST_SHARED = 8192

/** Text as documents carry it: U+FFFD where the bytes are no UTF-8, and then the bytes in base64. */
export interface KeptText {
  readonly text: string
  readonly b64?: string
}

/** What processes that have something in common have the same of. */
export type TextKind = 'name' | 'word' | 'link' | 'area' | 'arguments' | 'variables'

/** Cuts what is kept of hostile text, one by one and in all, and keeps what many processes have in common once. */
export class Retention {
  readonly #shared = new Map<TextKind, Map<string, string>>()
  #left = ALL_TEXT

  /** At most `most` bytes of it as latin1, in a string of its own: a part of a larger one would keep all of that. */
  keep(bytes: Buffer, most: number, kind: TextKind): string {
    const text = bytes.toString('latin1', 0, most)
    const known = this.#shared.get(kind)?.get(text)
    if (known !== undefined) return known
    const kept = this.#left > 0 || text.length <= BEGINNING ? text : bytes.toString('latin1', 0, BEGINNING)
    this.#left -= kept.length
    this.#share(kept, kind)
    return kept
  }

  /** The same of a text in latin1. */
  keepText(latin1: string, most: number, kind: TextKind): string {
    return this.#shared.get(kind)?.get(latin1) ?? this.keep(Buffer.from(latin1, 'latin1'), most, kind)
  }

  #share(text: string, kind: TextKind): void {
    if (text.length > LONGEST_SHARED) return
    const shared = this.#shared.get(kind) ?? new Map<string, string>()
    this.#shared.set(kind, shared)
    const [oldest] = shared.keys()
    if (shared.size >= MOST_SHARED && oldest !== undefined) shared.delete(oldest)
    shared.set(text, text)
  }

  /** So many numbers of a list may be kept. */
  numbers(list: readonly number[]): readonly number[] {
    const kept = this.#left > 0 ? list : list.slice(0, BEGINNING / 8)
    this.#left -= 8 * kept.length
    return kept
  }
}

/** `latin1` has a byte in each character. */
export function keptText(latin1: string): KeptText {
  const bytes = Buffer.from(latin1, 'latin1')
  const text = bytes.toString('utf8')
  return isUtf8(bytes) ? { text } : { text, b64: bytes.toString('base64') }
}
