import type { AccountPower, EffectiveRule, PowerName } from '../model/access-documents.js'

/** A right by which a rule gives a power; any of its verbs does. */
interface Right {
  readonly verbs: readonly string[]
  readonly group: string
  /** With its subresource: 'pods/exec'. */
  readonly resource: string
  /** Has no namespace: a rule that holds in one namespace only does not give it. */
  readonly clusterWide?: true
}

const READ = ['get', 'list', 'watch']
const WRITE = ['create', 'update', 'patch', 'delete', 'deletecollection']
const CHANGE = ['create', 'update', 'patch']
const RBAC = 'rbac.authorization.k8s.io'
const ADMISSION = 'admissionregistration.k8s.io'

const POWERS: readonly (readonly [PowerName, readonly Right[]])[] = [
  ['read-secrets', [{ verbs: READ, group: '', resource: 'secrets' }]],
  ['write-secrets', [{ verbs: WRITE, group: '', resource: 'secrets' }]],
  [
    'exec-in-pods',
    [
      { verbs: ['create', 'get'], group: '', resource: 'pods/exec' },
      { verbs: ['create', 'get'], group: '', resource: 'pods/attach' },
      { verbs: ['update', 'patch'], group: '', resource: 'pods/ephemeralcontainers' },
    ],
  ],
  ['start-pods', [{ verbs: ['create'], group: '', resource: 'pods' }]],
  [
    'change-workloads',
    [
      ...['deployments', 'daemonsets', 'statefulsets', 'replicasets'].map((resource): Right => ({
        verbs: CHANGE,
        group: 'apps',
        resource,
      })),
      ...['jobs', 'cronjobs'].map((resource): Right => ({ verbs: CHANGE, group: 'batch', resource })),
      { verbs: CHANGE, group: '', resource: 'replicationcontrollers' },
    ],
  ],
  ['make-tokens', [{ verbs: ['create'], group: '', resource: 'serviceaccounts/token' }]],
  [
    'impersonate',
    [
      { verbs: ['impersonate'], group: '', resource: 'users', clusterWide: true },
      { verbs: ['impersonate'], group: '', resource: 'groups', clusterWide: true },
      { verbs: ['impersonate'], group: '', resource: 'serviceaccounts' },
    ],
  ],
  [
    'grant-rights',
    [
      { verbs: ['bind', 'escalate', ...CHANGE], group: RBAC, resource: 'roles' },
      { verbs: ['bind', 'escalate', ...CHANGE], group: RBAC, resource: 'clusterroles', clusterWide: true },
      { verbs: CHANGE, group: RBAC, resource: 'rolebindings' },
      { verbs: CHANGE, group: RBAC, resource: 'clusterrolebindings', clusterWide: true },
    ],
  ],
  ['node-proxy', [{ verbs: ['get', 'create'], group: '', resource: 'nodes/proxy', clusterWide: true }]],
  [
    'change-admission',
    [
      { verbs: WRITE, group: ADMISSION, resource: 'mutatingwebhookconfigurations', clusterWide: true },
      { verbs: WRITE, group: ADMISSION, resource: 'validatingwebhookconfigurations', clusterWide: true },
    ],
  ],
  [
    'approve-certificates',
    [
      {
        verbs: ['update', 'patch'],
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests/approval',
        clusterWide: true,
      },
    ],
  ],
  ['make-volumes', [{ verbs: ['create'], group: '', resource: 'persistentvolumes', clusterWide: true }]],
  [
    'change-nodes',
    [{ verbs: ['update', 'patch', 'delete'], group: '', resource: 'nodes', clusterWide: true }],
  ],
  [
    'undo-quarantine',
    [
      {
        verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
        group: 'networking.k8s.io',
        resource: 'networkpolicies',
      },
      { verbs: ['update', 'patch'], group: '', resource: 'pods' },
    ],
  ],
  ['delete-events', [{ verbs: ['delete', 'deletecollection'], group: '', resource: 'events' }]],
  ['read-configmaps', [{ verbs: READ, group: '', resource: 'configmaps' }]],
]

/** Verbs that no list of names can narrow: the request names no object. Source: Kubernetes' RBAC documentation, "Referring to resources". */
const NAMELESS = new Set(['create', 'deletecollection'])

/** What the rules give of what matters, in the order of the list above; a rule that gives all is told as that alone. */
export function powersOf(rules: readonly EffectiveRule[]): readonly AccountPower[] {
  const found = new Map<string, AccountPower>()
  const add = (power: PowerName, rule: EffectiveRule, verbs: readonly string[]): void => {
    const { scope, resourceNames: names } = rule
    const key = JSON.stringify([power, scope, [...names].sort()])
    const before = found.get(key)
    found.set(key, {
      power,
      scope,
      names: sorted(names),
      verbs: sorted([...(before?.verbs ?? []), ...verbs]),
      through: sorted([...(before?.through ?? []), ...rule.through]),
    })
  }
  const all = rules.filter(isEverything)
  for (const rule of all) add('everything', rule, ['*'])
  const others = rules.filter(
    (rule) => !isEverything(rule) && !all.some(({ scope }) => scope === '*' || scope === rule.scope),
  )
  for (const [power, rights] of POWERS) {
    for (const rule of others) {
      const verbs = rights.flatMap((right) => granted(rule, right))
      if (verbs.length > 0) add(power, rule, verbs)
    }
  }
  return [...found.values()]
}

function isEverything({ verbs, apiGroups, resources, resourceNames }: EffectiveRule): boolean {
  return [verbs, apiGroups, resources].every((list) => list.includes('*')) && resourceNames.length === 0
}

/** Those of the right's verbs that the rule grants. Source: kubernetes/plugin/pkg/auth/authorizer/rbac, RuleAllows. */
function granted(rule: EffectiveRule, right: Right): readonly string[] {
  const [, subresource] = right.resource.split('/')
  const isNamed =
    has(rule.resources, right.resource) ||
    (subresource !== undefined && rule.resources.includes(`*/${subresource}`))
  if (!isNamed || !has(rule.apiGroups, right.group)) return []
  if (right.clusterWide === true && rule.scope !== '*') return []
  return right.verbs.filter(
    (verb) =>
      has(rule.verbs, verb) &&
      (rule.resourceNames.length === 0 || subresource !== undefined || !NAMELESS.has(verb)),
  )
}

function has(list: readonly string[], wanted: string): boolean {
  return list.includes('*') || list.includes(wanted)
}

function sorted(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort()
}
