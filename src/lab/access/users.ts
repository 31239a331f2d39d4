import { randomBytes } from 'node:crypto'

import type { JsonObject } from '../../model/json.js'
import type { Store } from '../store/store.js'
import { boundRules, type BoundRules } from './bindings.js'
import { asPolicyRule, policyRuleAllows, policyRuleAllowsPath } from './policy-rule.js'
import type { User } from './user.js'
import { allows, type AccessRuleLike, type Attempt } from './rules.js'

export const MASTERS = 'system:masters'
const AUTHENTICATED = 'system:authenticated'

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** What everybody may read without a right: system:public-info-viewer, and for users also system:discovery. */
const PUBLIC_PATHS = /^\/(?:livez|readyz|healthz|version)(?:\/|$)/
const DISCOVERY_PATHS = /^\/(?:api|apis|openapi|openid)(?:\/|$)/

/** system:basic-user, which the API server binds to all that it authenticated. */
const BASIC_RIGHTS: readonly AccessRuleLike[] = [
  { verb: 'create', group: 'authorization.k8s.io', resource: 'selfsubjectaccessreviews' },
  { verb: 'create', group: 'authorization.k8s.io', resource: 'selfsubjectrulesreviews' },
  { verb: 'create', group: 'authentication.k8s.io', resource: 'selfsubjectreviews' },
]

export function asAuthenticated(name: string, groups: readonly string[]): User {
  return { name, groups: groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED] }
}

/** What the authorizer says, and why: RBAC's reason is empty where it has none. */
export interface Decision {
  readonly allowed: boolean
  readonly reason: string
}

/** The lab's users: their tokens, and their rights by the lab's word or by the cluster's RBAC objects. */
export class Users {
  readonly #store: Store
  readonly #rights = new Map<string, readonly AccessRuleLike[]>()
  readonly #tokens = new Map<string, User>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Gives a user exactly these rights beside what RBAC objects give, whatever it had from here before. */
  grant(name: string, rules: readonly AccessRuleLike[]): void {
    this.#rights.set(name, rules)
  }

  issueToken(name: string, groups: readonly string[] = [], extra?: User['extra']): string {
    const token = randomBytes(24).toString('base64url')
    const user = asAuthenticated(name, groups)
    this.#tokens.set(token, extra === undefined ? user : { ...user, extra })
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

  mayRead(user: User, path: string, verb = 'get'): boolean {
    if (user.groups.includes(MASTERS)) return true
    if (verb === 'get' && PUBLIC_PATHS.test(path)) return true
    if (verb === 'get' && user.groups.includes(AUTHENTICATED) && DISCOVERY_PATHS.test(path)) return true
    return this.#bound(user).rules.some(({ rule }) => policyRuleAllowsPath(rule, verb, path))
  }

  may(user: User, attempt: Attempt): boolean {
    return this.decide(user, attempt).allowed
  }

  decide(user: User, attempt: Attempt): Decision {
    if (user.groups.includes(MASTERS)) return { allowed: true, reason: '' }
    if (user.groups.includes(AUTHENTICATED) && allows(BASIC_RIGHTS, attempt)) {
      const by = 'ClusterRoleBinding "system:basic-user" of ClusterRole "system:basic-user"'
      return { allowed: true, reason: `RBAC: allowed by ${by} to Group "${AUTHENTICATED}"` }
    }
    const own = this.#rights.get(user.name)?.find((rule) => allows([rule], attempt))
    if (own !== undefined) return { allowed: true, reason: `RBAC: allowed by ${grantOf(user.name, own)}` }
    const { rules, errors } = this.#bound(user, attempt.namespace)
    const found = rules.find(({ rule }) => policyRuleAllows(rule, attempt))
    if (found !== undefined) return { allowed: true, reason: `RBAC: allowed by ${found.by}` }
    const why = errors.length > 1 ? `[${errors.join(', ')}]` : errors.join('')
    return { allowed: false, reason: why === '' ? '' : `RBAC: ${why}` }
  }

  /** All rules that a user has in a namespace, as a SelfSubjectRulesReview lists them. */
  rulesOf(
    user: User,
    namespace: string,
  ): { readonly rules: readonly JsonObject[]; readonly errors: readonly string[] } {
    const masters = user.groups.includes(MASTERS) ? [ALL_RESOURCES, ALL_PATHS] : []
    const basic = user.groups.includes(AUTHENTICATED) ? BASIC_RIGHTS : []
    const own = (this.#rights.get(user.name) ?? []).filter(
      (rule) => rule.namespace === undefined || rule.namespace === namespace,
    )
    const { rules, errors } = this.#bound(user, namespace)
    return {
      rules: [...masters, ...[...basic, ...own].map(asPolicyRule), ...rules.map(({ rule }) => rule)],
      errors,
    }
  }

  #bound(user: User, namespace?: string): BoundRules {
    return boundRules(this.#store, user, namespace)
  }
}

const ALL_RESOURCES: JsonObject = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] }
const ALL_PATHS: JsonObject = { verbs: ['*'], nonResourceURLs: ['*'] }

/** The lab's word for a right, in the form of a binding. */
function grantOf(user: string, { namespace }: AccessRuleLike): string {
  const name = `lab:${user}`
  return namespace === undefined
    ? `ClusterRoleBinding "${name}" of ClusterRole "${name}" to User "${user}"`
    : `RoleBinding "${name}/${namespace}" of Role "${name}" to User "${user}"`
}
