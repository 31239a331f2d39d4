import { isSecretName } from './redact-names.js'

/** A part of a string that is a secret, by how it looks or by what stands before it. */
export interface Finding {
  readonly start: number
  readonly end: number
  readonly rule: string
}

/** Every pattern is linear in its text: texts are hostile and may be megabytes. */
interface Format {
  readonly rule: string
  readonly pattern: RegExp
  /** Which capture group is the secret; the whole match if not given. */
  readonly group?: number
  readonly accept?: (secret: string) => boolean
}

/** Tokens that are known by their form. Sources: the issuers' documentation of their prefixes; RFC 7519, 7468, 3986, 7617, 6750. */
const FORMATS: readonly Format[] = [
  { rule: 'age-key', pattern: /AGE-SECRET-KEY-1[0-9A-Z]{58}/g },
  // header and claims say whose it is; without the signature it opens nothing
  {
    rule: 'jwt-signature',
    pattern:
      /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,8192}\.eyJ[A-Za-z0-9_-]{2,65536}\.([A-Za-z0-9_-]{16,2048})/dg,
    group: 1,
  },
  {
    rule: 'jwe',
    pattern:
      /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{5,8192}\.([A-Za-z0-9_-]{0,8192}\.[A-Za-z0-9_-]{8,64}\.[A-Za-z0-9_-]{1,65536}\.[A-Za-z0-9_-]{16,64})/dg,
    group: 1,
  },
  { rule: 'aws-key', pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g },
  { rule: 'github-token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})/g },
  { rule: 'gitlab-token', pattern: /\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[A-Za-z0-9_.-]{20,255}/g },
  {
    rule: 'slack-token',
    pattern: /\bxox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,255}|\bxapp-[A-Za-z0-9-]{10,255}/g,
  },
  {
    rule: 'slack-webhook',
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/([A-Za-z0-9/_-]{20,255})/dg,
    group: 1,
  },
  { rule: 'google-key', pattern: /\bAIza[A-Za-z0-9_-]{35}/g },
  { rule: 'google-token', pattern: /\b(?:ya29\.[A-Za-z0-9._-]{20,2048}|GOCSPX-[A-Za-z0-9_-]{20,64})/g },
  {
    rule: 'stripe-key',
    pattern: /\b(?:[srp]k_(?:live|test)_[A-Za-z0-9]{10,255}|whsec_[A-Za-z0-9+/=]{16,255})/g,
  },
  { rule: 'npm-token', pattern: /\bnpm_[A-Za-z0-9]{36}/g },
  { rule: 'pypi-token', pattern: /\bpypi-[A-Za-z0-9_-]{40,1024}/g },
  { rule: 'docker-token', pattern: /\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,255}/g },
  { rule: 'sendgrid-key', pattern: /\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}/g },
  { rule: 'model-key', pattern: /\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,255}/g },
  { rule: 'vault-token', pattern: /\bhv[sbr]\.[A-Za-z0-9_-]{20,1024}/g },
  {
    rule: 'cloud-token',
    pattern: /\b(?:do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|glsa_[A-Za-z0-9_]{32,64})/g,
  },
  // of scheme://user:password@host the password
  {
    rule: 'url-password',
    pattern: /\b[A-Za-z][A-Za-z0-9+.-]{1,20}:\/\/[^\s/?#:@"']{0,256}:([^\s/?#"']{1,1024})@/dg,
    group: 1,
  },
  { rule: 'basic-auth', pattern: /\bBasic +([A-Za-z0-9+/]{6,4096}={0,2})/dgi, group: 1, accept: isBasic },
  {
    rule: 'bearer',
    pattern: /\bBearer +((?!eyJ)[A-Za-z0-9._~+/-]{12,4096}=*)/dgi,
    group: 1,
    accept: (secret) => /[0-9]/.test(secret) || secret.length >= 20,
  },
]

/** What any of the above needs; most strings have nothing of it. */
const HINT =
  /eyJ|A[KSBC][IC]A|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox|xapp-|hooks\.slack|AIza|ya29\.|GOCSPX-|[srp]k_|whsec_|npm_|pypi-|dckr_|SG\.|sk-|hv[sbr]\.|do[opr]_v1_|shp|glsa_|AGE-SECRET|PRIVATE KEY|:\/\/|[Bb]earer|BEARER|[Bb]asic|BASIC/

/** Tokens of known form in a text. */
export function findFormats(text: string): readonly Finding[] {
  if (text.length < 8 || !HINT.test(text)) return []
  const tokens = FORMATS.flatMap(({ rule, pattern, group, accept }) =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const [start, end] = match.indices?.[group ?? 0] ?? [match.index, match.index + match[0].length]
      return accept === undefined || accept(text.slice(start, end)) ? [{ start, end, rule }] : []
    }),
  )
  return [...tokens, ...findPrivateKeys(text)]
}

/** PEM blocks (RFC 7468); one without an end goes on to the end of the text. */
function findPrivateKeys(text: string): readonly Finding[] {
  const found: Finding[] = []
  for (const { index } of text.matchAll(/-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----/g)) {
    if (index < (found.at(-1)?.end ?? 0)) continue
    const mark = text.indexOf('-----END ', index)
    const close = mark === -1 ? -1 : text.indexOf('-----', mark + 9)
    found.push({ start: index, end: close === -1 ? text.length : close + 5, rule: 'private-key' })
  }
  return found
}

/** RFC 7617: base64 of user-id ":" password. */
function isBasic(encoded: string): boolean {
  return /^[^\p{Cc}]*:[^\p{Cc}]*$/u.test(Buffer.from(encoded, 'base64').toString('utf8'))
}

/** What any assignment needs; most strings have nothing of it. */
const ASSIGNED = /[=: \t]/
const KEYWORD =
  /(?:passw|pass|pwd|secret|token|credential|creds|key|auth|cookie|jwt|pin|otp)[A-Za-z0-9_.-]{0,64}(\\{0,3}["'])?([ \t]{0,3}[=:][ \t]{0,3}|[ \t]{1,3})(\\{0,3}["'])?/gi
const QUOTED = /[^"'\\\n]{1,8192}/y
const BARE = /[^\s"'`]{1,8192}/y

/**
 * Values that are assigned to a secret's name: PASSWORD=x, --token=x and --token x anywhere, `password: x` at the beginning of a line
 * or of a quoted text (YAML, headers, JSON that is none).
 */
export function findAssignments(text: string): readonly Finding[] {
  const found: Finding[] = []
  if (!ASSIGNED.test(text)) return found
  for (const match of text.matchAll(KEYWORD)) {
    const finding = assignmentAt(text, match)
    if (finding !== undefined && finding.start >= (found.at(-1)?.end ?? 0)) found.push(finding)
  }
  return found
}

function assignmentAt(text: string, match: RegExpExecArray): Finding | undefined {
  const [head, closing, mark, opening] = match
  const before = nameBefore(text, match.index)
  const name = before + (/^[A-Za-z0-9_.-]+/.exec(head)?.[0] ?? '')
  if (!isSecretName(name)) return undefined
  const line = lineBefore(text, match.index - before.length)
  const sign = mark?.trim() ?? ''
  const isQuotedKey = closing !== undefined
  if (
    sign === ':' &&
    !(isQuotedKey ? opening !== undefined || KEY_START.test(line) : VALUE_START.test(line))
  ) {
    return undefined
  }
  if (sign === '' && (isQuotedKey || !name.startsWith('--'))) return undefined
  const start = match.index + head.length
  const value = matchAt(opening === undefined ? BARE : QUOTED, text, start)
  if (SCHEME.test(value)) return afterScheme(text, start + value.length)
  const isWhole = opening !== undefined || (sign === '=' && VALUE_START.test(line))
  const secret = isWhole ? value : value.slice(0, bareLength(value))
  if (isPlaceholder(secret) || (sign === '' && secret.startsWith('-'))) return undefined
  return { start, end: start + secret.length, rule: 'assignment' }
}

/** What may stand before a name on its line where ':' shall make it a key: blanks, a list's dash, a quote. */
const KEY_START = /^[ \t-]*["']?$/
const VALUE_START = /(?:^[ \t-]*|["'{,][ \t]*)$/
/** RFC 9110, 11.1. What follows is the secret; of a JWT only the signature. */
const SCHEME = /^(?:basic|bearer|digest|token|negotiate)$/i

function afterScheme(text: string, at: number): Finding | undefined {
  const start = at + matchAt(/[ \t]{0,3}/y, text, at).length
  const value = matchAt(BARE, text, start)
  if (value === '' || value.startsWith('eyJ')) return undefined
  return { start, end: start + value.length, rule: 'assignment' }
}

/** A flag or variable that is a whole argument: all that follows the first '=' is its value. */
export function findWholeAssignment(text: string): Finding | undefined {
  const [head, name] = /^-{0,2}([A-Za-z_][A-Za-z0-9_.-]{0,127})=/.exec(text) ?? []
  if (head === undefined || name === undefined || text.includes('\n') || !isSecretName(name)) return undefined
  return isPlaceholder(text.slice(head.length))
    ? undefined
    : { start: head.length, end: text.length, rule: 'flag' }
}

/** Values that say nothing: empty, yes or no, or a reference that Kubernetes or a shell resolves elsewhere. */
export function isPlaceholder(value: string): boolean {
  return (
    value === '' ||
    /^(?:true|false|null|none|yes|no|[|>][+-]?)$/i.test(value) ||
    /^(?:\$\([A-Za-z0-9_.-]+\)|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?)$/.test(value) ||
    /^hmac:v1:[0-9a-f]{32}$/.test(value)
  )
}

function nameBefore(text: string, at: number): string {
  return /[A-Za-z0-9_.-]*$/.exec(text.slice(Math.max(0, at - 64), at))?.[0] ?? ''
}

function lineBefore(text: string, at: number): string {
  const near = text.slice(Math.max(0, at - 64), at)
  return near.slice(near.lastIndexOf('\n') + 1)
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

/** Up to what ends a word in a shell or in a URL's query. */
function bareLength(value: string): number {
  const end = value.search(/[&;|<>,)}]/)
  return end === -1 ? value.length : end
}
