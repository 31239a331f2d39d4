import { asString, asStringMap, at, type JsonObject } from '../../model/json.js'
import type { LabelSelector } from '../../model/kubernetes.js'
import { selectorMatches } from '../../model/selector.js'
import { labelsOf, nameOf, namespaceOf, objectsIn } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { User } from './user.js'

const GROUP = 'rbac.authorization.k8s.io'

/** One rule that somebody has by a binding. */
export interface BoundRule {
  readonly rule: JsonObject
  /** 'RoleBinding "rb/ns" of Role "r" to User "u"', as RBAC's reason has it. */
  readonly by: string
}

export interface BoundRules {
  readonly rules: readonly BoundRule[]
  /** Roles that a binding names and nobody has made. */
  readonly errors: readonly string[]
}

/**
 * What the objects of rbac.authorization.k8s.io give a user, in a namespace or at the cluster scope.
 * Source: kubernetes/pkg/registry/rbac/validation, VisitRulesFor.
 */
export function boundRules(store: Store, user: User, namespace: string | undefined): BoundRules {
  const rules: BoundRule[] = []
  const errors: string[] = []
  const visit = (binding: JsonObject, described: string): void => {
    const subject = objectsIn(binding.subjects).find((one) => isSubject(user, one, namespaceOf(binding)))
    if (subject === undefined) return
    const { kind, name, role } = roleOf(store, binding)
    if (role === undefined) {
      errors.push(`${kind.toLowerCase()}.${GROUP} ${JSON.stringify(name)} not found`)
      return
    }
    const by = `${described} of ${kind} ${JSON.stringify(name)} to ${describe(subject)}`
    rules.push(...rulesOf(store, role).map((rule) => ({ rule, by })))
  }
  for (const binding of store.list(`clusterrolebindings.${GROUP}`)) {
    visit(binding, `ClusterRoleBinding ${JSON.stringify(nameOf(binding))}`)
  }
  if (namespace !== undefined) {
    for (const binding of store.list(`rolebindings.${GROUP}`, namespace)) {
      visit(binding, `RoleBinding ${JSON.stringify(`${nameOf(binding)}/${namespace}`)}`)
    }
  }
  return { rules, errors }
}

function isSubject(user: User, subject: JsonObject, bindingNamespace: string | undefined): boolean {
  const name = asString(subject.name) ?? ''
  if (subject.kind === 'User') return user.name === name
  if (subject.kind === 'Group') return user.groups.includes(name)
  const namespace = asString(subject.namespace) ?? bindingNamespace ?? ''
  return subject.kind === 'ServiceAccount' && user.name === `system:serviceaccount:${namespace}:${name}`
}

function describe(subject: JsonObject): string {
  const [kind, name] = [asString(subject.kind) ?? '', asString(subject.name) ?? '']
  const shown = kind === 'ServiceAccount' ? `${name}/${asString(subject.namespace) ?? ''}` : name
  return `${kind} ${JSON.stringify(shown)}`
}

function roleOf(
  store: Store,
  binding: JsonObject,
): { readonly kind: string; readonly name: string; readonly role: JsonObject | undefined } {
  const kind = asString(at(binding, 'roleRef', 'kind')) ?? ''
  const name = asString(at(binding, 'roleRef', 'name')) ?? ''
  const cluster = kind === 'ClusterRole'
  const namespace = cluster ? undefined : namespaceOf(binding)
  return {
    kind,
    name,
    role: store.get(`${cluster ? 'clusterroles' : 'roles'}.${GROUP}`, { namespace, name }),
  }
}

/** An aggregated ClusterRole has the rules of those that its selectors find. */
function rulesOf(store: Store, role: JsonObject): readonly JsonObject[] {
  const selectors = objectsIn(at(role, 'aggregationRule', 'clusterRoleSelectors'))
  if (selectors.length === 0) return objectsIn(role.rules)
  return store
    .list(`clusterroles.${GROUP}`)
    .filter((other) => other.aggregationRule === undefined)
    .filter((other) => selectors.some((selector) => selectorMatches(selectorOf(selector), labelsOf(other))))
    .flatMap((other) => objectsIn(other.rules))
}

function selectorOf(selector: JsonObject): LabelSelector {
  return { ...(selector as LabelSelector), matchLabels: asStringMap(selector.matchLabels) }
}
