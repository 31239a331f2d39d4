import type {
  AccessDocument,
  AccountBinding,
  BoundSubject,
  EffectiveRule,
} from '../model/access-documents.js'
import type { CollectContext, RecordedRead } from '../model/collector.js'
import { messageOf } from '../model/errors.js'
import { asArray, asString, at, type Json } from '../model/json.js'
import type { PartialReads } from './partial-reads.js'

const RBAC = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const
/** More roles than any account has; the rest is named as unread. */
const MAX_ROLES = 200
/** More rules than a role of the field has: an attacker may write a role of a megabyte. */
const MAX_RULES = 5_000

export interface Account {
  readonly namespace: string
  readonly name: string
}

/** The groups of a service account's token. Source: Kubernetes' documentation of authentication. */
export function groupsOf({ namespace }: Account): readonly string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
}

/** Which bindings mean the account, and what the roles that they name grant it. */
export async function boundRoles(
  context: CollectContext,
  account: Account,
  reads: PartialReads,
): Promise<Pick<AccessDocument, 'bindings' | 'bindingsSeen' | 'rules' | 'complete'>> {
  const cluster = await reads.read('ClusterRoleBindings', () =>
    context.api.list({ ...RBAC, resource: 'clusterrolebindings' }),
  )
  const { pages, everywhere } = await roleBindings(context, account, reads)
  const named = [
    ...itemsOf(cluster).flatMap((item) => bindingOf(item, 'ClusterRoleBinding', account)),
    ...itemsOf(pages).flatMap((item) => bindingOf(item, 'RoleBinding', account)),
  ].sort((a, b) => compare(describe(a), describe(b)))
  const roles = new Map<string, RoleRead>()
  for (const binding of named) {
    const key = roleKey(binding)
    if (!roles.has(key)) roles.set(key, await readRole(context, binding, reads, roles.size))
  }
  const bindings = named.map((binding): AccountBinding => {
    const { why, aggregated } = roles.get(roleKey(binding)) ?? { why: 'not read' }
    return {
      ...binding,
      roleRead: why === undefined,
      ...(why === undefined ? {} : { why }),
      aggregated: aggregated ?? false,
    }
  })
  const rules = mergedRules(
    named.flatMap((binding) =>
      (roles.get(roleKey(binding))?.rules ?? []).map((rule) => effective(rule, binding)),
    ),
  )
  return {
    bindings,
    bindingsSeen:
      pages === undefined
        ? cluster === undefined
          ? 'none'
          : 'cluster-bindings-only'
        : everywhere && cluster !== undefined
          ? 'all'
          : 'own-namespace',
    rules: rules.slice(0, MAX_RULES),
    complete:
      cluster !== undefined &&
      everywhere &&
      rules.length <= MAX_RULES &&
      [...roles.values()].every(({ why, gone }) => why === undefined || gone === true),
  }
}

/** RoleBindings of all namespaces, or of the account's where only those may be listed. */
async function roleBindings(
  context: CollectContext,
  { namespace }: Account,
  reads: PartialReads,
): Promise<{ readonly pages: readonly RecordedRead[] | undefined; readonly everywhere: boolean }> {
  const all = await reads.attempt(() => context.api.list({ ...RBAC, resource: 'rolebindings' }))
  if ('result' in all) return { pages: all.result, everywhere: true }
  await reads.report('RoleBindings of other namespaces', all.error)
  const pages = await reads.read(`RoleBindings of ${namespace}`, () =>
    context.api.list({ ...RBAC, resource: 'rolebindings', namespace }),
  )
  return { pages, everywhere: false }
}

function itemsOf(pages: readonly RecordedRead[] | undefined): readonly Json[] {
  return (pages ?? []).flatMap(({ json }) => asArray(at(json, 'items')))
}

type NamedBinding = Omit<AccountBinding, 'roleRead' | 'why' | 'aggregated'>

function bindingOf(item: Json, kind: AccountBinding['kind'], account: Account): readonly NamedBinding[] {
  const namespace = asString(at(item, 'metadata', 'namespace')) ?? ''
  const subject = asArray(at(item, 'subjects'))
    .map((each) => subjectOf(each, namespace, account))
    .find((found) => found !== undefined)
  if (subject === undefined) return []
  return [
    {
      kind,
      ...(kind === 'RoleBinding' ? { namespace } : {}),
      name: asString(at(item, 'metadata', 'name')) ?? '',
      subject,
      role: {
        kind: asString(at(item, 'roleRef', 'kind')) ?? '',
        name: asString(at(item, 'roleRef', 'name')) ?? '',
      },
    },
  ]
}

/** The subject, if it means the account: by itself, by its user name, by one of its groups. */
function subjectOf(subject: Json, bindingNamespace: string, account: Account): BoundSubject | undefined {
  const kind = asString(at(subject, 'kind'))
  const name = asString(at(subject, 'name')) ?? ''
  if (kind === 'ServiceAccount') {
    const namespace = asString(at(subject, 'namespace')) ?? bindingNamespace
    return name === account.name && namespace === account.namespace ? { kind, name } : undefined
  }
  if (kind === 'User') {
    return name === `system:serviceaccount:${account.namespace}:${account.name}` ? { kind, name } : undefined
  }
  return kind === 'Group' && groupsOf(account).includes(name) ? { kind, name } : undefined
}

interface RoleRead {
  readonly rules: readonly Json[]
  readonly aggregated?: boolean
  /** Why it could not be read; undefined where it was. */
  readonly why?: string
  /** Not there: it grants nothing, until somebody makes it. */
  readonly gone?: boolean
}

function roleKey({ role, namespace }: NamedBinding): string {
  return JSON.stringify([role.kind, role.kind === 'ClusterRole' ? '' : namespace, role.name])
}

/**
 * The role's own `rules`: what the authorizer goes by. Of an aggregated ClusterRole the controller has written those of
 * its parts into them.
 */
async function readRole(
  context: CollectContext,
  { role, namespace }: NamedBinding,
  reads: PartialReads,
  count: number,
): Promise<RoleRead> {
  if (count >= MAX_ROLES) return { rules: [], why: `more than ${MAX_ROLES} roles` }
  const isCluster = role.kind === 'ClusterRole'
  const what = `${role.kind} ${isCluster ? '' : `${namespace ?? ''}/`}${role.name}`
  const answer = await reads.attempt(() =>
    context.api.get({
      ...RBAC,
      resource: isCluster ? 'clusterroles' : 'roles',
      ...(isCluster ? {} : { namespace: namespace ?? '' }),
      name: role.name,
    }),
  )
  if ('result' in answer) {
    const { json } = answer.result
    return {
      rules: asArray(at(json, 'rules')),
      aggregated: asArray(at(json, 'aggregationRule', 'clusterRoleSelectors')).length > 0,
    }
  }
  await reads.report(what, answer.error)
  return { rules: [], why: messageOf(answer.error), gone: reads.missing.at(-1)?.reason === 'target-gone' }
}

function effective(rule: Json, binding: NamedBinding): EffectiveRule {
  const words = (key: string): readonly string[] =>
    asArray(at(rule, key))
      .flatMap((word) => asString(word) ?? [])
      .sort()
  return {
    scope: binding.namespace ?? '*',
    verbs: words('verbs'),
    apiGroups: words('apiGroups'),
    resources: words('resources'),
    resourceNames: words('resourceNames'),
    nonResourceURLs: words('nonResourceURLs'),
    through: [describe(binding)],
  }
}

function describe({ kind, namespace, name, role }: NamedBinding): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name} of ${role.kind} ${role.name}`
}

/** Each rule once, with all the bindings that give it. */
function mergedRules(rules: readonly EffectiveRule[]): readonly EffectiveRule[] {
  const merged = new Map<string, EffectiveRule>()
  for (const rule of rules) {
    const key = JSON.stringify({ ...rule, through: [] })
    const before = merged.get(key)
    merged.set(key, { ...rule, through: [...new Set([...(before?.through ?? []), ...rule.through])].sort() })
  }
  return [...merged].sort(([a], [b]) => compare(a, b)).map(([, rule]) => rule)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
