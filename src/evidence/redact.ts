import { isUtf8 } from 'node:buffer'
import { createHmac } from 'node:crypto'

import { findAssignments, findFormats, findWholeAssignment, type Finding } from './redact-formats.js'
import { KnownSecrets } from './redact-known.js'
import { leavesOf, type Leaf } from './redact-leaves.js'

/** One replacement: a line of data/redactions.jsonl. */
interface Redaction {
  /** RFC 6901, '' for a document that is no JSON; '#' leads on into JSON that stands in a string. */
  readonly pointer: string
  /** Why it was taken for a secret. */
  readonly rule: string
  /** Bytes of the document that were replaced. */
  readonly length: number
  /** What stands there now. The same secret has the same token in every document of a case, however it was encoded. */
  readonly token: string
}

interface RedactedDocument {
  readonly bytes: Buffer
  readonly redactions: readonly Redaction[]
}

/**
 * Takes secrets out of API documents while they are received. Each becomes `hmac:v1:` and 32 hexadecimal digits of HMAC-SHA256 under
 * the key of the case; every other byte stays as it came. Secrets are: values by the name of their variable, flag, header or
 * key; data of Secret objects; tokens of known form; passwords in URLs; and each of these wherever else it turns up in the same or
 * a later document: raw, in base64, hexadecimal, percent-encoded or escaped for JSON, also within JSON that stands in a string.
 * A document that is no JSON is searched as text.
 *
 * Not caught: a secret without a telling name or form; one that a document showed before its name was known; one that is cut,
 * compressed, encrypted, or encoded twice in ways not named above; numbers. Short or ordinary values (a word, a host, a path) are
 * replaced where they stand but not searched for, nor is anything in Kubernetes' own identifiers (names, kinds, images, addresses,
 * labels): an attacker could choose a "secret" to make evidence unreadable. Mode of failure by design: too much rather than too little.
 */
export interface Redactor {
  redactDocument(bytes: Buffer): RedactedDocument
}

/** The key is of the case and never goes into the archive: tokens of short secrets could be tried out with it. */
export function createRedactor(key: Buffer): Redactor {
  const known = new KnownSecrets()
  const tokenOf = (secret: string): string =>
    `hmac:v1:${createHmac('sha256', key).update(secret).digest('hex').slice(0, 32)}`

  return {
    redactDocument(bytes) {
      // what is no UTF-8 is read byte by byte, so that it can be given back as it came
      const encoding = isUtf8(bytes) ? 'utf8' : 'latin1'
      const text = bytes.toString(encoding)
      const leaves = leavesOf(text) ?? [wholeText(text)]
      const found = leaves.flatMap((leaf) => splicesOf(leaf))
      for (const { secret, rule, pointer } of found) if (!PUBLIC.test(pointer)) learn(known, secret, rule)
      const again = leaves.flatMap((leaf) => knownIn(leaf, known))
      const splices = withoutOverlap([...found, ...again])
      if (splices.length === 0) return { bytes, redactions: [] }
      const redactions = splices.map(({ start, end, pointer, rule, secret }) => ({
        pointer,
        rule,
        length: Buffer.byteLength(text.slice(start, end), encoding),
        token: tokenOf(secret),
      }))
      return { bytes: Buffer.from(spliced(text, splices, tokenOf), encoding), redactions }
    },
  }
}

/** What stands in Secrets and is none: replaced there like all of a Secret's data, but not searched for elsewhere. */
const PUBLIC =
  /\/(?:data|stringData)\/(?:namespace|(?:ca|tls|service-ca)\.crt|user|username|host|hostname|port|database|dbname)$/

interface Splice {
  /** Offsets in the document. */
  readonly start: number
  readonly end: number
  readonly pointer: string
  readonly rule: string
  readonly secret: string
}

function wholeText(text: string): Leaf {
  return {
    text,
    at: (offset) => offset,
    pointer: () => '',
    isIdentity: false,
    isKey: false,
    secretBy: undefined,
    isBase64: false,
  }
}

/** What a string holds by its place and by its looks. */
function splicesOf(leaf: Leaf): readonly Splice[] {
  if (leaf.secretBy !== undefined) {
    const whole = { start: 0, end: leaf.text.length, rule: leaf.secretBy }
    return [splice(leaf, whole, leaf.isBase64 ? decoded(leaf.text) : leaf.text)]
  }
  const flag = leaf.isKey ? undefined : findWholeAssignment(leaf.text)
  const assigned = leaf.isKey || leaf.isIdentity || flag !== undefined ? [] : findAssignments(leaf.text)
  const findings = [...(flag === undefined ? [] : [flag]), ...assigned, ...findFormats(leaf.text)]
  return findings.map((finding) => splice(leaf, finding, leaf.text.slice(finding.start, finding.end)))
}

function knownIn(leaf: Leaf, known: KnownSecrets): readonly Splice[] {
  if (leaf.isIdentity || leaf.secretBy !== undefined) return []
  return known.find(leaf.text).map((match) => splice(leaf, { ...match, rule: 'known' }, match.secret))
}

function splice(leaf: Leaf, { start, end, rule }: Finding, secret: string): Splice {
  return { start: leaf.at(start), end: leaf.at(end), pointer: leaf.pointer(), rule, secret }
}

/** Remembers a secret, and those within it: a password in a configuration file, in basic auth, in Docker's login. */
function learn(known: KnownSecrets, secret: string, rule: string): void {
  known.learn(secret)
  if (rule === 'basic-auth')
    known.learn(
      Buffer.from(secret, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, ''),
    )
  for (const leaf of leavesOf(secret) ?? [wholeText(secret)]) {
    for (const within of splicesOf(leaf)) known.learn(within.secret)
  }
}

/**
 * What base64 stands for, if it is that, without the newline that `echo` leaves: the same secret shall have the same token in a
 * Secret and elsewhere.
 */
function decoded(value: string): string {
  const bytes = Buffer.from(value, 'base64')
  return bytes.toString('base64') === value && isUtf8(bytes)
    ? bytes.toString('utf8').replace(/\r?\n$/, '')
    : value
}

/** In order. Of two that overlap the longer one stays, stretched over both. */
function withoutOverlap(splices: readonly Splice[]): readonly Splice[] {
  const sorted = [...splices].sort((a, b) => a.start - b.start || b.end - a.end)
  const kept: Splice[] = []
  for (const next of sorted) {
    const last = kept.at(-1)
    if (last === undefined || next.start >= last.end) kept.push(next)
    else {
      const longer = next.end - next.start > last.end - last.start ? next : last
      kept[kept.length - 1] = { ...longer, start: last.start, end: Math.max(last.end, next.end) }
    }
  }
  return kept
}

function spliced(text: string, splices: readonly Splice[], tokenOf: (secret: string) => string): string {
  const parts: string[] = []
  let at = 0
  for (const { start, end, secret } of splices) {
    parts.push(text.slice(at, start), tokenOf(secret))
    at = end
  }
  return parts.join('') + text.slice(at)
}
