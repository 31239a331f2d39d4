import { asNumber, asObject, asString, type JsonObject } from '../../model/json.js'
import { badRequest } from './status.js'

/** Where a list in pages goes on: at this version, after this key. Version -1 is the newest, whatever was before. */
export interface Continuation {
  readonly version: number
  readonly after: string
}

/** The form of k8s.io/apiserver, pkg/storage, continue.go: base64url of JSON; clients must not look into it. */
export function continueToken({ version, after }: Continuation): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: version, start: `${after}\0` })).toString(
    'base64url',
  )
}

export function parseContinueToken(token: string): Continuation {
  const document = parse(Buffer.from(token, 'base64url').toString('latin1'))
  const [version, start] = [asNumber(document.rv), asString(document.start)]
  if (document.v !== 'meta.k8s.io/v1') {
    throw invalidToken(
      `server does not recognize this encoded version ${JSON.stringify(asString(document.v) ?? '')}`,
    )
  }
  if (version === undefined || version === 0) throw invalidToken('incorrect encoded start resourceVersion')
  if (start === undefined || start === '') throw invalidToken('encoded start key empty')
  return { version, after: start.replace(/\0$/, '') }
}

/** The limit parameter: 0 or less, or absent, is no limit. */
export function parseLimit(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  if (!/^-?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return Number(text) > 0 ? Number(text) : undefined
}

function parse(text: string): JsonObject {
  try {
    return asObject(JSON.parse(text)) ?? {}
  } catch {
    throw invalidToken(`invalid character '${text.charAt(0)}' looking for beginning of value`)
  }
}

function invalidToken(why: string): Error {
  return badRequest(`invalid continue token: continue key is not valid: ${why}`)
}
