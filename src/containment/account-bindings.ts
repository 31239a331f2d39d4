import type { ApiPath } from '../model/api-path.js'
import type { ReadContext, Suspect } from '../model/containment.js'
import { asArray, asString, at, type Json } from '../model/json.js'
import type { KubeObject, Pod } from '../model/kubernetes.js'
import { listObjects } from './reading.js'

/** A RoleBinding or a ClusterRoleBinding. Source: rbac.authorization.k8s.io/v1. */
export interface Binding extends KubeObject {
  readonly subjects?: readonly Json[]
  readonly roleRef?: { readonly kind?: string; readonly name?: string }
}

export interface Account {
  readonly namespace: string
  readonly name: string
}

export type BindingPath = ApiPath & { readonly name: string }

export interface FoundBinding {
  readonly path: BindingPath
  readonly binding: Binding
}

const GROUP = 'rbac.authorization.k8s.io'

export function accountOf({ spec }: Pod, { namespace }: Pick<Suspect, 'namespace'>): Account {
  return { namespace, name: spec?.serviceAccountName ?? 'default' }
}

/** Every binding of the cluster. */
export async function listBindings({ kube, run }: ReadContext): Promise<readonly FoundBinding[]> {
  const lists = await Promise.all(
    (['rolebindings', 'clusterrolebindings'] as const).map(async (resource) => {
      const path = { group: GROUP, version: 'v1', resource }
      const items = await listObjects<Binding>(kube, path, run.signal)
      return items.map((binding) => ({ path: pathOf(resource, binding), binding }))
    }),
  )
  return lists.flat().sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1))
}

export function bindingPath(name: string): BindingPath | undefined {
  const [resource = '', ...rest] = name.split('/')
  const [last = '', namespace] = rest.toReversed()
  if (last === '' || rest.length > 2) return undefined
  return {
    group: GROUP,
    version: 'v1',
    resource,
    name: last,
    ...(namespace === undefined ? {} : { namespace }),
  }
}

/** 'RoleBinding shop/web', 'ClusterRoleBinding web'. */
export function bindingTitle({ resource, namespace, name }: BindingPath): string {
  return resource === 'rolebindings' ? `RoleBinding ${namespace ?? ''}/${name}` : `ClusterRoleBinding ${name}`
}

/** Whether a subject is this account, by its own kind or by the name of its user. */
export function isAccount(subject: Json, account: Account, bindingNamespace: string | undefined): boolean {
  const [kind, name] = [asString(at(subject, 'kind')), asString(at(subject, 'name'))]
  if (kind === 'User') return name === `system:serviceaccount:${account.namespace}:${account.name}`
  // without one, the authorizer takes the binding's own
  const namespace = asString(at(subject, 'namespace')) ?? bindingNamespace
  return kind === 'ServiceAccount' && name === account.name && namespace === account.namespace
}

/** The groups in which every service account is, or every one of its namespace. */
export function groupsOf(subjects: readonly Json[], account: Account): readonly string[] {
  const all = [
    'system:authenticated',
    'system:serviceaccounts',
    `system:serviceaccounts:${account.namespace}`,
  ]
  return subjects
    .filter((subject) => asString(at(subject, 'kind')) === 'Group')
    .flatMap((subject) => asString(at(subject, 'name')) ?? [])
    .filter((name) => all.includes(name))
}

/** As lists of subjects may be absent, and whatever else the server says. */
export function subjectsOf(binding: Binding): readonly Json[] {
  return asArray(binding.subjects)
}

function pathOf(resource: string, { metadata }: Binding): BindingPath {
  const { namespace, name = '' } = metadata ?? {}
  return { group: GROUP, version: 'v1', resource, name, ...(namespace === undefined ? {} : { namespace }) }
}

function sortKey({ path }: FoundBinding): string {
  return `${path.namespace ?? ''}\0${path.resource}\0${path.name}`
}
