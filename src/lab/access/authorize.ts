import type { RequestInfo } from '../api/request-info.js'
import { forbidden, forbiddenPath } from '../api/status.js'
import { resourceOf, type Attempt } from './rules.js'
import type { User } from './user.js'
import type { Users } from './users.js'

/** Throws the 403 that the API server's RBAC would answer with. */
export function authorize(user: User, info: RequestInfo, users: Users): void {
  if (info.kind === 'path') {
    if (users.mayRead(user, info.path, info.verb)) return
    throw forbiddenPath(`User "${user.name}" cannot ${info.verb} path "${info.path}"`)
  }
  authorizeResource(user, info, users)
}

/**
 * The check of a WebSocket's GET, since 1.35: it also needs the right that the POST always needed.
 * Source: kubernetes/pkg/registry/core/pod/rest, ensureAuthorizedForVerb, which gives RBAC's reason: none.
 */
export function authorizeUpgrade(user: User, attempt: Attempt, users: Users): void {
  if (users.may(user, { ...attempt, verb: 'create' })) return
  throw forbidden(attempt, attempt.name ?? '', '')
}

function authorizeResource(user: User, attempt: Attempt, users: Users): void {
  const { allowed, reason } = users.decide(user, attempt)
  if (allowed) return
  const refused = attemptRefused(user.name, attempt)
  throw forbidden(attempt, attempt.name ?? '', reason === '' ? refused : `${refused}: ${reason}`)
}

/** The words in which RBAC refuses. */
export function attemptRefused(user: string, attempt: Attempt): string {
  const { verb, group, namespace } = attempt
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`
  return `User "${user}" cannot ${verb} resource "${resourceOf(attempt)}" in API group "${group}" ${where}`
}
