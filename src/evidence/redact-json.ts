/** A parsed JSON text that knows where each string stands. Offsets are UTF-16 code units of the text. */
export type JsonNode =
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: StringNode, value: JsonNode])[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | StringNode
  | { readonly kind: 'other' }

export interface StringNode {
  readonly kind: 'string'
  /** Between the quotes. */
  readonly start: number
  readonly end: number
  /** Decoded. */
  readonly value: string
}

/** Deeper than any object of the API; a text that is deeper is not taken for JSON. */
const MAX_DEPTH = 500

const SPACE = /[ \t\n\r]*/y
const CONTROL = /[\0-\x1f]/
const SCALAR = /(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y

/** Reads JSON (RFC 8259) strictly; undefined for any other text. */
export function parseJson(text: string): JsonNode | undefined {
  try {
    return new JsonReader(text).document()
  } catch (error) {
    if (error instanceof NotJson) return undefined
    throw error
  }
}

class NotJson extends Error {}

class JsonReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): JsonNode {
    const node = this.#value(0)
    this.#match(SPACE)
    if (this.#at !== this.#text.length) throw new NotJson()
    return node
  }

  #value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) throw new NotJson()
    this.#match(SPACE)
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return this.#string()
    this.#match(SCALAR)
    return { kind: 'other' }
  }

  #object(depth: number): JsonNode {
    const entries: (readonly [StringNode, JsonNode])[] = []
    this.#at += 1
    if (this.#accept('}')) return { kind: 'object', entries }
    do {
      this.#match(SPACE)
      const key = this.#string()
      if (!this.#accept(':')) throw new NotJson()
      entries.push([key, this.#value(depth + 1)])
    } while (this.#accept(','))
    if (!this.#accept('}')) throw new NotJson()
    return { kind: 'object', entries }
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = []
    this.#at += 1
    if (this.#accept(']')) return { kind: 'array', items }
    do items.push(this.#value(depth + 1))
    while (this.#accept(','))
    if (!this.#accept(']')) throw new NotJson()
    return { kind: 'array', items }
  }

  #string(): StringNode {
    if (this.#text[this.#at] !== '"') throw new NotJson()
    const start = this.#at + 1
    const end = this.#closingQuote(start)
    this.#at = end + 1
    const raw = this.#text.slice(start, end)
    if (CONTROL.test(raw)) throw new NotJson()
    return { kind: 'string', start, end, value: raw.includes('\\') ? decoded(raw) : raw }
  }

  /** The first quote that is not escaped: an even number of backslashes stands before it. */
  #closingQuote(start: number): number {
    for (let end = this.#text.indexOf('"', start); end !== -1; end = this.#text.indexOf('"', end + 1)) {
      let before = end
      while (before > start && this.#text[before - 1] === '\\') before -= 1
      if ((end - before) % 2 === 0) return end
    }
    throw new NotJson()
  }

  #accept(mark: string): boolean {
    this.#match(SPACE)
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) throw new NotJson()
    this.#at += found.length
    return found
  }
}

function decoded(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    throw new NotJson()
  }
}

/**
 * Where each character of a decoded string stands in its raw form: `offsets[i]` is the beginning of the i-th UTF-16 code unit, the
 * last entry the end.
 */
export function escapedOffsets(raw: string): Uint32Array {
  const offsets: number[] = []
  for (let at = 0; at < raw.length;) {
    offsets.push(at)
    if (raw[at] !== '\\') at += 1
    else at += raw[at + 1] === 'u' ? 6 : 2
  }
  offsets.push(raw.length)
  return Uint32Array.from(offsets)
}
