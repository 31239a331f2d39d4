import { describe, expect, it } from '@jest/globals'

import { accessCollector } from '../../src/collectors/access.js'
import { startLab } from '../../src/lab/lab.js'
import type { AccessDocument } from '../../src/model/access-documents.js'
import { ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import type { Json } from '../../src/model/json.js'
import { complaints } from '../containment/schemas.js'
import { targetOf } from './collect-context.js'
import { clusterContext, type Cluster } from './fake-cluster.js'
import { LabRun } from './lab-run.js'
import { MemorySink } from './memory-sink.js'

const TARGET = targetOf({ name: 'app', image: 'x', imageID: 'y' })
const RBAC = '/apis/rbac.authorization.k8s.io/v1'
const POD = '/api/v1/namespaces/shop/pods/web'
const BINDINGS = `${RBAC}/rolebindings`

const ACCOUNT = { kind: 'ServiceAccount', name: 'web', namespace: 'shop' }

function binding(
  name: string,
  namespace: string | undefined,
  role: readonly [string, string],
  subject: Json,
): Json {
  return {
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { kind: role[0], name: role[1] },
    subjects: [{ kind: 'User', name: 'somebody' }, subject],
  }
}

const CLUSTER: Cluster = {
  [POD]: {
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: TARGET.uid,
      annotations: { 'iam.amazonaws.com/role': 'old' },
    },
    spec: {
      serviceAccountName: 'web',
      imagePullSecrets: [{ name: 'hub' }],
      containers: [
        {
          name: 'app',
          env: [{ name: 'AWS_ROLE_ARN', value: 'arn:role' }],
          volumeMounts: [
            { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
            { name: 'vault', mountPath: '/vault/' },
          ],
        },
      ],
      volumes: [
        { name: 'token', secret: { secretName: 'web-token-abcde' } },
        {
          name: 'vault',
          projected: {
            sources: [
              { configMap: { name: 'x' } },
              { serviceAccountToken: { path: 'jwt', audience: 'vault', expirationSeconds: 600 } },
            ],
          },
        },
      ],
    },
  },
  '/api/v1/namespaces/shop/serviceaccounts/web': {
    metadata: { annotations: { 'iam.gke.io/gcp-service-account': 'web@p.iam.gserviceaccount.com' } },
    imagePullSecrets: [{ name: 'registry' }],
  },
  [`${RBAC}/clusterrolebindings`]: {
    pages: [
      [
        binding('all-accounts', undefined, ['ClusterRole', 'viewer'], {
          kind: 'Group',
          name: 'system:serviceaccounts',
        }),
      ],
      [
        binding('other', undefined, ['ClusterRole', 'cluster-admin'], { ...ACCOUNT, namespace: 'elsewhere' }),
        binding('other-group', undefined, ['ClusterRole', 'cluster-admin'], {
          kind: 'Group',
          name: 'system:serviceaccounts:elsewhere',
        }),
      ],
    ],
  },
  [BINDINGS]: {
    pages: [
      [
        binding('debug', 'shop', ['ClusterRole', 'support'], ACCOUNT),
        binding('by-user', 'prod', ['Role', 'reader'], {
          kind: 'User',
          name: 'system:serviceaccount:shop:web',
        }),
        binding('gone', 'shop', ['Role', 'nowhere'], { kind: 'ServiceAccount', name: 'web' }),
        binding('not-ours', 'prod', ['Role', 'reader'], { kind: 'ServiceAccount', name: 'web' }),
      ],
    ],
  },
  [`${RBAC}/clusterroles/viewer`]: { rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] },
  [`${RBAC}/clusterroles/support`]: {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
    rules: [
      { apiGroups: [''], resources: ['secrets'], verbs: ['list', 'get'] },
      { apiGroups: ['*'], resources: ['*/exec'], verbs: ['create'] },
      { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['*'] },
    ],
  },
  [`${RBAC}/namespaces/prod/roles/reader`]: {
    rules: [
      {
        apiGroups: [''],
        resources: ['secrets', 'configmaps'],
        resourceNames: ['b', 'a'],
        verbs: ['get', 'create'],
      },
    ],
  },
}

async function collect(
  fails: Readonly<Record<string, ErrorCode>> = {},
  cluster = CLUSTER,
): Promise<{ readonly sink: MemorySink; readonly document: AccessDocument }> {
  const sink = new MemorySink()
  await accessCollector.collect(clusterContext(sink, cluster, fails), TARGET, sink)
  const document = sink.json('access.json') as AccessDocument
  expect(complaints('access', document)).toEqual([])
  return { sink, document }
}

describe('the access collector', () => {
  it('finds the bindings that mean the account by itself, its user name or a group, and no others', async () => {
    const { document } = await collect()
    expect(document.bindings.map(({ name, subject, roleRead }) => [name, subject.kind, roleRead])).toEqual([
      ['all-accounts', 'Group', true],
      ['by-user', 'User', true],
      ['debug', 'ServiceAccount', true],
      ['gone', 'ServiceAccount', false],
    ])
    expect(document.bindingsSeen).toBe('all')
    expect(document.bindings.filter(({ aggregated }) => aggregated).map(({ name }) => name)).toEqual([
      'debug',
    ])
  })

  it('works out what they give: a ClusterRole bound in a namespace gives nothing beyond it', async () => {
    const { document } = await collect()
    expect(document.powers).toEqual([
      {
        power: 'read-secrets',
        scope: 'prod',
        names: ['a', 'b'],
        verbs: ['get'],
        through: ['RoleBinding prod/by-user of Role reader'],
      },
      {
        power: 'read-secrets',
        scope: 'shop',
        names: [],
        verbs: ['get', 'list'],
        through: ['RoleBinding shop/debug of ClusterRole support'],
      },
      {
        power: 'exec-in-pods',
        scope: 'shop',
        names: [],
        verbs: ['create'],
        through: ['RoleBinding shop/debug of ClusterRole support'],
      },
      {
        power: 'read-configmaps',
        scope: 'prod',
        names: ['a', 'b'],
        verbs: ['get'],
        through: ['RoleBinding prod/by-user of Role reader'],
      },
    ])
    expect(document.rules).toHaveLength(5)
    expect(document.rules).toContainEqual(
      expect.objectContaining({ scope: '*', nonResourceURLs: ['/metrics'], resources: [] }),
    )
  })

  it('tells an account that may do everything by that alone', async () => {
    const all = { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }
    const { document } = await collect({}, { ...CLUSTER, [`${RBAC}/clusterroles/viewer`]: all })
    expect(document.powers.map(({ power, scope }) => [power, scope])).toEqual([['everything', '*']])
  })

  it('knows tokens, cloud identities and pull secrets', async () => {
    const { document } = await collect()
    expect(document.tokens).toEqual([
      {
        kind: 'secret',
        secret: 'web-token-abcde',
        mounts: [{ container: 'app', path: '/var/run/secrets/kubernetes.io/serviceaccount/token' }],
      },
      {
        kind: 'projected',
        audience: 'vault',
        expirationSeconds: 600,
        mounts: [{ container: 'app', path: '/vault/jwt' }],
      },
    ])
    expect(document.cloud.map(({ provider, identity }) => [provider, identity])).toEqual([
      ['gcp', 'web@p.iam.gserviceaccount.com'],
      ['aws', 'old'],
      ['aws', 'arn:role'],
    ])
    expect(document.imagePullSecrets).toEqual([
      { name: 'hub', namedBy: 'pod' },
      { name: 'registry', namedBy: 'service account' },
    ])
  })

  it('takes a role that is not there for one that grants nothing, and says so', async () => {
    const { document, sink } = await collect()
    expect(document.complete).toBe(true)
    expect(document.missing).toEqual([
      expect.objectContaining({ what: 'Role shop/nowhere', reason: 'target-gone' }),
    ])
    expect(sink.row('access Role shop/nowhere')).toMatchObject({ status: 'failed', reason: 'target-gone' })
  })

  it('reads the bindings of the own namespace where those of all may not be listed, and is not complete', async () => {
    const own = { pages: [[binding('debug', 'shop', ['ClusterRole', 'support'], ACCOUNT)]] }
    const { document, sink } = await collect(
      { [BINDINGS]: 'forbidden' },
      { ...CLUSTER, [`${RBAC}/namespaces/shop/rolebindings`]: own },
    )
    expect(document).toMatchObject({ bindingsSeen: 'own-namespace', complete: false })
    expect(document.bindings.map(({ name }) => name)).toEqual(['all-accounts', 'debug'])
    expect(sink.row('access RoleBindings of other namespaces')).toMatchObject({ reason: 'forbidden' })
    expect(sink.row('access')).toMatchObject({ status: 'collected' })
  })

  it.each<[string, string]>([
    ['the account', '/api/v1/namespaces/shop/serviceaccounts/web'],
    ['ClusterRoleBindings', `${RBAC}/clusterrolebindings`],
    ['a role', `${RBAC}/clusterroles/support`],
  ])('goes on without the right to %s, with a row that says so', async (_what, path) => {
    const { document, sink } = await collect({ [path]: 'forbidden' })
    expect(document.missing.map(({ reason }) => reason)).toContain('forbidden')
    expect(sink.rows.filter(({ reason }) => reason === 'forbidden')).toHaveLength(1)
    expect(document.complete).toBe(path.includes('serviceaccounts'))
  })

  it('claims nothing where no binding may be read', async () => {
    const forbidden = Object.fromEntries(
      [`${RBAC}/clusterrolebindings`, BINDINGS, `${RBAC}/namespaces/shop/rolebindings`].map(
        (path) => [path, 'forbidden'] as const,
      ),
    )
    const { document } = await collect(forbidden)
    expect(document).toMatchObject({ bindingsSeen: 'none', bindings: [], powers: [], complete: false })
  })

  it('takes no other pod of that name for the target', async () => {
    const sink = new MemorySink()
    const other = { ...CLUSTER, [POD]: { metadata: { uid: 'another' } } }
    await expect(accessCollector.collect(clusterContext(sink, other), TARGET, sink)).rejects.toThrow(
      ImpoundError,
    )
    expect(sink.files.size).toBe(0)
  })

  it('survives what no API server sends', async () => {
    const { document } = await collect(
      {},
      {
        [POD]: { metadata: { uid: TARGET.uid }, spec: { volumes: 'x', containers: [null, 3] } },
        '/api/v1/namespaces/shop/serviceaccounts/default': { metadata: { annotations: [] } },
        [`${RBAC}/clusterrolebindings`]: {
          pages: [
            [null, { subjects: 7 }, { subjects: [null, { kind: 'Group', name: 'system:authenticated' }] }],
          ],
        },
        [BINDINGS]: { pages: [] },
      },
    )
    expect(document).toMatchObject({ account: { name: 'default' }, powers: [], tokens: [] })
  })

  it('finds on the lab that the suspect’s account was left with the rights of a debugger', async () => {
    const lab = await startLab()
    const run = await LabRun.open(lab)
    try {
      const rows = await run.collect(accessCollector)
      expect(rows.map(({ subject, status }) => [subject, status])).toEqual([['access', 'collected']])
      const document = run.json('access.json') as AccessDocument
      expect(document.powers.map(({ power, scope, names }) => [power, scope, names.join()])).toEqual([
        ['read-secrets', 'shop', ''],
        ['read-secrets', 'shop', 'web-session'],
        ['exec-in-pods', 'shop', ''],
        ['undo-quarantine', 'shop', ''],
        ['read-configmaps', 'shop', 'web-config'],
      ])
      expect(document.cloud).toHaveLength(1)
      expect(document.derivedFrom.every((path) => run.has(path))).toBe(true)
    } finally {
      await run.close()
      await lab.close()
    }
  })
})
