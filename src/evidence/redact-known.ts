/** Shorter values are replaced where they stand and not searched for elsewhere. */
const MIN_LENGTH = 6
const MAX_LENGTH = 16 << 10
/** Past this many values a run learns no more: an attacker chooses how many environment variables there are. */
const MAX_VALUES = 2000

/** A secret found again, raw or encoded. */
export interface KnownMatch {
  readonly start: number
  readonly end: number
  readonly secret: string
}

/** Secrets that a run has come across, and the encodings in which they may turn up again. */
export class KnownSecrets {
  readonly #secrets = new Set<string>()
  readonly #whole = new Set<string>()
  readonly #forms = new Map<string, string>()
  #pattern: RegExp | undefined

  /** Remembers a value. One that could be an ordinary word, a host or a path is only recognised where it stands alone. */
  learn(secret: string): void {
    if (secret.length < MIN_LENGTH || secret.length > MAX_LENGTH) return
    if (this.#secrets.has(secret) || this.#secrets.size >= MAX_VALUES) return
    this.#secrets.add(secret)
    this.#whole.add(secret)
    if (isOrdinary(secret)) return
    for (const form of formsOf(secret)) if (!this.#forms.has(form)) this.#forms.set(form, secret)
    this.#pattern = undefined
  }

  /** Every occurrence, longest form first where two begin at the same place. */
  find(text: string): readonly KnownMatch[] {
    if (this.#whole.has(text)) return [{ start: 0, end: text.length, secret: text }]
    if (this.#forms.size === 0 || text.length < MIN_LENGTH) return []
    const pattern = this.#compiled()
    pattern.lastIndex = 0
    const found: KnownMatch[] = []
    // matchAll would copy the pattern for every string of a document
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const [form] = match
      found.push({ start: match.index, end: pattern.lastIndex, secret: this.#forms.get(form) ?? form })
    }
    return found
  }

  #compiled(): RegExp {
    this.#pattern ??= new RegExp(
      [...this.#forms.keys()]
        .sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
        .map((form) => form.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
        .join('|'),
      'g',
    )
    return this.#pattern
  }
}

/** A word, a number, an address, a host, a URL or a path: replacing these everywhere would hide evidence, not secrets. */
function isOrdinary(value: string): boolean {
  return (
    /^[A-Za-z]{1,15}$/.test(value) ||
    /^[0-9]{1,11}$/.test(value) ||
    /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[:/][0-9]{1,5})?$/.test(value) ||
    /^[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}$/.test(value) ||
    /^(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]{1,5})?$/.test(value) ||
    /^[a-z][a-z0-9+.-]*:\/\/[^@\s]*$/i.test(value) ||
    /^(?:\/[a-z0-9._-]+)+\/?$/.test(value)
  )
}

/** How a value may be written: as it is, escaped for JSON, percent-encoded, in base64 at each alignment, in hexadecimal. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8')
  const escaped = JSON.stringify(secret).slice(1, -1)
  const percent = percentEncoded(secret)
  const forms = [
    secret,
    escaped,
    JSON.stringify(escaped).slice(1, -1),
    goEscaped(escaped),
    encodedUri(secret),
    percent,
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll('%20', '+'),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...[bytes.toString('base64'), bytes.toString('base64url')],
    ...[0, 1, 2].flatMap((before) => {
      const inner = innerBase64(bytes, before)
      return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
    }),
  ]
  return forms.filter((form) => form.length >= MIN_LENGTH)
}

/** The characters that are the same whatever stands before and after, with `before` bytes in front modulo three. */
function innerBase64(bytes: Buffer, before: number): string {
  const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
  return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
}

/** Go's encoding/json escapes these three as well. */
function goEscaped(escaped: string): string {
  return escaped.replaceAll('<', '\\u003c').replaceAll('>', '\\u003e').replaceAll('&', '\\u0026')
}

function encodedUri(secret: string): string {
  return encodeURIComponent(secret.toWellFormed())
}

/** RFC 3986: everything but the unreserved characters. */
function percentEncoded(secret: string): string {
  return encodedUri(secret).replaceAll(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
