import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { asArray, at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, type Access } from '../client.js'
import { smallSeed } from '../small-seed.js'

const RBAC = 'rbac.authorization.k8s.io'
const POD = '/api/v1/namespaces/shop/pods/web-6dd6-one'

let lab: Lab
let user: Access

const put = (kind: string, name: string, fields: JsonObject, namespace?: string): JsonObject =>
  lab.objects.put({
    kind,
    apiVersion: `${RBAC}/v1`,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(fields.metadata as JsonObject | undefined),
    },
    ...Object.fromEntries(Object.entries(fields).filter(([key]) => key !== 'metadata')),
  })
const bind = (
  kind: string,
  name: string,
  role: string,
  subject: JsonObject,
  namespace?: string,
): JsonObject =>
  put(
    kind,
    name,
    {
      roleRef: { apiGroup: RBAC, kind: role.startsWith('c-') ? 'ClusterRole' : 'Role', name: role },
      subjects: [subject],
    },
    namespace,
  )
const review = async (access: Access, attributes: JsonObject): Promise<unknown> =>
  (
    await call(access, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      method: 'POST',
      body: { spec: { resourceAttributes: attributes } },
    })
  ).json.status

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  user = await accessOf(await lab.kubeconfigFor('u', []))
  put(
    'Role',
    'r',
    { rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['web-6dd6-one'] }] },
    'shop',
  )
  bind('RoleBinding', 'rb', 'r', { kind: 'User', name: 'u' }, 'shop')
  put('ClusterRole', 'c-logs', {
    metadata: { labels: { part: 'yes' } },
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['*/log'] }],
  })
  put('ClusterRole', 'c-all', {
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
    rules: [],
  })
})
afterAll(() => lab.close())

describe('an RBAC object', () => {
  it('gives what its rules say, and the review names it as the reason', async () => {
    expect((await call(user, POD)).status).toBe(200)
    expect((await call(user, POD.replace('one', 'two'))).status).toBe(403)
    const attributes = { namespace: 'shop', verb: 'get', resource: 'pods', name: 'web-6dd6-one' }
    expect(await review(user, attributes)).toEqual({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "rb/shop" of Role "r" to User "u"',
    })
    expect(lab.audit.find((entry) => entry.requestURI === POD)?.annotations).toEqual({
      'authorization.k8s.io/decision': 'allow',
      'authorization.k8s.io/reason': 'RBAC: allowed by RoleBinding "rb/shop" of Role "r" to User "u"',
    })
  })

  it('of a group, aggregated, gives a subresource everywhere', async () => {
    const attributes = { namespace: 'other', verb: 'get', resource: 'pods', subresource: 'log' }
    expect(await review(user, attributes)).toEqual({ allowed: false })
    bind('ClusterRoleBinding', 'crb', 'c-all', { kind: 'Group', name: 'system:authenticated' })
    expect(await review(user, attributes)).toEqual({
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "crb" of ClusterRole "c-all" to Group "system:authenticated"',
    })
  })

  it('of a ServiceAccount is for that account', async () => {
    bind('RoleBinding', 'sa', 'r', { kind: 'ServiceAccount', name: 'bot', namespace: 'ci' }, 'shop')
    const admin = await accessOf(lab.kubeconfig)
    const as = (name: string) => ({ headers: { 'Impersonate-User': name } })
    expect((await call(admin, POD, as('system:serviceaccount:ci:bot'))).status).toBe(200)
    expect((await call(admin, POD, as('system:serviceaccount:shop:bot'))).status).toBe(403)
  })

  it('that names a role which is not there is said in the refusal', async () => {
    bind('RoleBinding', 'broken', 'gone', { kind: 'User', name: 'v' }, 'shop')
    const other = await accessOf(await lab.kubeconfigFor('v', []))
    expect((await call(other, POD)).json.message).toBe(
      'pods "web-6dd6-one" is forbidden: User "v" cannot get resource "pods" in API group "" in the namespace "shop": RBAC: role.rbac.authorization.k8s.io "gone" not found',
    )
  })

  it('of non-resource URLs lets a path be read', async () => {
    put('ClusterRole', 'c-metrics', { rules: [{ verbs: ['get'], nonResourceURLs: ['/metrics*'] }] })
    const path = '/metrics/slis'
    expect((await call(user, path)).status).toBe(403)
    bind('ClusterRoleBinding', 'metrics', 'c-metrics', { kind: 'User', name: 'u' })
    expect((await call(user, path)).status).toBe(404)
  })
})

describe('a SelfSubjectRulesReview', () => {
  const rules = (access: Access, spec: JsonObject) =>
    call(access, '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { method: 'POST', body: { spec } })

  it('lists what one may do in a namespace', async () => {
    const reply = await rules(user, { namespace: 'shop' })
    expect(reply.status).toBe(201)
    expect(at(reply.json, 'status', 'incomplete')).toBe(false)
    expect(asArray(at(reply.json, 'status', 'resourceRules'))).toContainEqual({
      verbs: ['get'],
      apiGroups: [''],
      resources: ['pods'],
      resourceNames: ['web-6dd6-one'],
    })
  })

  it('without a namespace is refused', async () => {
    expect((await rules(user, {})).json).toMatchObject({ code: 400, message: 'no namespace on request' })
  })
})
