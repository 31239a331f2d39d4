import { randomBytes } from 'node:crypto'

import { allows, type AccessRuleLike, type Attempt } from './rules.js'

/** Somebody the API server has authenticated. */
export interface User {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
}

export const MASTERS = 'system:masters'
const AUTHENTICATED = 'system:authenticated'

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** What everybody may read without a right: system:public-info-viewer, and for users also system:discovery. */
const PUBLIC_PATHS = /^\/(?:livez|readyz|healthz|version)(?:\/|$)/
const DISCOVERY_PATHS = /^\/(?:api|apis|openapi|openid)(?:\/|$)/

/** system:basic-user, which the API server binds to all that it authenticated. */
const BASIC_RIGHTS: readonly AccessRuleLike[] = [
  { verb: 'create', group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' },
  { verb: 'create', group: 'authentication.k8s.io', resource: 'selfsubjectreviews' },
]

export function asAuthenticated(name: string, groups: readonly string[]): User {
  return { name, groups: groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED] }
}

/** The lab's users: their tokens and their rights. */
export class Users {
  readonly #rights = new Map<string, readonly AccessRuleLike[]>()
  readonly #tokens = new Map<string, User>()

  /** Gives a user exactly these rights, whatever it had before. */
  grant(name: string, rules: readonly AccessRuleLike[]): void {
    this.#rights.set(name, rules)
  }

  issueToken(name: string, groups: readonly string[] = []): string {
    const token = randomBytes(24).toString('base64url')
    this.#tokens.set(token, asAuthenticated(name, groups))
    return token
  }

  /** From now on the user's tokens are answered with 401, as one that has expired. */
  revokeTokens(name: string): void {
    for (const [token, user] of this.#tokens) if (user.name === name) this.#tokens.delete(token)
  }

  /** From now on this one token is answered with 401; the user's others still hold. */
  expireToken(token: string): void {
    this.#tokens.delete(token)
  }

  ofToken(token: string): User | undefined {
    return this.#tokens.get(token)
  }

  mayRead(user: User, path: string): boolean {
    if (user.groups.includes(MASTERS) || PUBLIC_PATHS.test(path)) return true
    return user.groups.includes(AUTHENTICATED) && DISCOVERY_PATHS.test(path)
  }

  may(user: User, attempt: Attempt): boolean {
    if (user.groups.includes(MASTERS)) return true
    const basic = user.groups.includes(AUTHENTICATED) ? BASIC_RIGHTS : []
    return allows([...basic, ...(this.#rights.get(user.name) ?? [])], attempt)
  }
}
