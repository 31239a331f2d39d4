import { asArray, type JsonObject } from '../../model/json.js'
import { resourceOf, type AccessRuleLike, type Attempt } from './rules.js'

/** Whether a rule of a Role allows an attempt. Source: kubernetes/plugin/pkg/auth/authorizer/rbac, RuleAllows. */
export function policyRuleAllows(rule: JsonObject, attempt: Attempt): boolean {
  const names = asArray(rule.resourceNames)
  return (
    has(rule.verbs, attempt.verb) &&
    has(rule.apiGroups, attempt.group) &&
    (has(rule.resources, resourceOf(attempt)) ||
      (attempt.subresource !== undefined && asArray(rule.resources).includes(`*/${attempt.subresource}`))) &&
    (names.length === 0 || names.includes(attempt.name ?? ''))
  )
}

/** Whether a rule lets a path be read; one that ends with '*' is a beginning. */
export function policyRuleAllowsPath(rule: JsonObject, verb: string, path: string): boolean {
  return (
    has(rule.verbs, verb) &&
    asArray(rule.nonResourceURLs).some(
      (url) =>
        typeof url === 'string' &&
        (url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1)))),
    )
  )
}

/** A right of the lab's own, as a rule of a Role. */
export function asPolicyRule(rule: AccessRuleLike): JsonObject {
  return {
    verbs: [rule.verb],
    apiGroups: [rule.group],
    resources: [resourceOf(rule)],
    ...(rule.name === undefined ? {} : { resourceNames: [rule.name] }),
  }
}

function has(list: unknown, wanted: string): boolean {
  const all = asArray(list)
  return all.includes('*') || all.includes(wanted)
}
