import { asNumber, asObject, asString } from '../../model/json.js'
import { badRequest } from './status.js'

/** Where a list in pages goes on: at this version, after this key. */
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
  const document = asObject(parse(Buffer.from(token, 'base64url').toString()))
  const [version, start] = [asNumber(document?.rv), asString(document?.start)]
  if (version === undefined || start === undefined) {
    throw badRequest('invalid continue token: continue key is not valid')
  }
  return { version, after: start.replace(/\0$/, '') }
}

/** The limit parameter: 0 or absent is no limit. */
export function parseLimit(text: string | null): number | undefined {
  if (text === null || text === '') return undefined
  if (!/^-?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return Number(text) > 0 ? Number(text) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
