import type { AccessRule } from '../model/api-path.js'
import type { JsonObject } from '../model/json.js'

/** A rule of a Role, as rbac.authorization.k8s.io/v1 has it. */
export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly verbs: readonly string[]
}

/** The rules of one Role, or of the ClusterRole where there is no namespace. */
export interface RoleRules {
  readonly namespace?: string
  readonly rules: readonly PolicyRule[]
}

/** What the rights are given to. */
export type Subject =
  | { readonly kind: 'User' | 'Group'; readonly name: string }
  | { readonly kind: 'ServiceAccount'; readonly namespace: string; readonly name: string }

/**
 * The fewest rules that grant these rights and no other: one ClusterRole for what is asked in no namespace, one Role for each namespace.
 * A right that a wider one holds already is left out. Sorted.
 */
export function rolesFor(rights: readonly AccessRule[]): readonly RoleRules[] {
  const distinct = [...new Map(rights.map((right) => [JSON.stringify(keyOf(right)), right])).values()]
  const least = distinct.filter((right) => !distinct.some((other) => other !== right && covers(other, right)))
  const scopes = [...new Set(least.map(({ namespace }) => namespace ?? ''))].sort()
  return scopes.map((namespace) => ({
    ...(namespace === '' ? {} : { namespace }),
    rules: rulesOf(least.filter((right) => (right.namespace ?? '') === namespace)),
  }))
}

function keyOf({ verb, group, resource, subresource, namespace, name }: AccessRule): readonly unknown[] {
  return [verb, group, resource, subresource ?? null, namespace ?? null, name ?? null]
}

function covers(wide: AccessRule, narrow: AccessRule): boolean {
  return (
    wide.verb === narrow.verb &&
    wide.group === narrow.group &&
    resourceOf(wide) === resourceOf(narrow) &&
    (wide.namespace === undefined || wide.namespace === narrow.namespace) &&
    (wide.name === undefined || wide.name === narrow.name)
  )
}

function resourceOf({ resource, subresource }: AccessRule): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`
}

function rulesOf(rights: readonly AccessRule[]): readonly PolicyRule[] {
  // verbs first: what one resource of one name may suffer; then resources, then names, that may suffer the same
  const byObject = Map.groupBy(rights, (right) =>
    JSON.stringify([right.group, resourceOf(right), right.name ?? null]),
  )
  const single = [...byObject.values()].map((same) => {
    const [first] = same as [AccessRule, ...AccessRule[]]
    return {
      group: first.group,
      resource: resourceOf(first),
      name: first.name,
      verbs: [...new Set(same.map(({ verb }) => verb))].sort(),
    }
  })
  const byName = [
    ...Map.groupBy(single, ({ group, resource, verbs, name }) =>
      JSON.stringify([group, resource, verbs, name === undefined]),
    ).values(),
  ].map((same) => {
    const [first] = same as [(typeof single)[number], ...typeof single]
    const names = same.flatMap(({ name }) => name ?? []).sort()
    return { ...first, names }
  })
  return [...Map.groupBy(byName, ({ group, verbs, names }) => JSON.stringify([group, verbs, names])).values()]
    .map((same): PolicyRule => {
      const [{ group, verbs, names }] = same as [(typeof byName)[number], ...typeof byName]
      return {
        apiGroups: [group],
        resources: same.map(({ resource }) => resource).sort(),
        ...(names.length === 0 ? {} : { resourceNames: names }),
        verbs,
      }
    })
    .sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1))
}

/** Roles, and bindings to the subjects where there are any, as objects that kubectl applies. */
export function roleObjects(
  roles: readonly RoleRules[],
  name: string,
  subjects: readonly Subject[],
): readonly JsonObject[] {
  const apiGroup = 'rbac.authorization.k8s.io'
  const apiVersion = `${apiGroup}/v1`
  const labels = { 'app.kubernetes.io/managed-by': 'impound' }
  return roles.flatMap(({ namespace, rules }) => {
    const kind = namespace === undefined ? 'ClusterRole' : 'Role'
    const metadata = { name, ...(namespace === undefined ? {} : { namespace }), labels }
    const role = { apiVersion, kind, metadata, rules: rules as unknown as JsonObject[] }
    if (subjects.length === 0) return [role]
    return [
      role,
      {
        apiVersion,
        kind: `${kind}Binding`,
        metadata,
        roleRef: { apiGroup, kind, name },
        subjects: subjects.map((subject) =>
          subject.kind === 'ServiceAccount' ? { ...subject } : { apiGroup, ...subject },
        ),
      },
    ]
  })
}
