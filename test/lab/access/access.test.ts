import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { AccessRuleLike } from '../../../src/lab/access/rules.js'
import { startLab, type Lab } from '../../../src/lab/lab.js'
import { at } from '../../../src/model/json.js'
import { accessOf, call, type Access, type Reply } from '../client.js'
import { smallSeed } from '../small-seed.js'

const PODS = '/api/v1/namespaces/shop/pods'

let lab: Lab
let admin: Access
const user = async (name: string, rules: readonly AccessRuleLike[]): Promise<Access> =>
  accessOf(await lab.kubeconfigFor(name, rules))

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('who asks', () => {
  it('is told by a client certificate', async () => {
    expect(admin.cert).toBeDefined()
    await call(admin, PODS)
    expect(lab.requests.at(-1)).toMatchObject({ user: 'lab-admin', path: PODS, status: 200 })
  })

  it('is nobody without credentials, who may read the version and little else', async () => {
    const nobody = { ...admin, cert: undefined, key: undefined }
    expect((await call(nobody, '/version')).status).toBe(200)
    expect((await call(nobody, '/livez')).text).toBe('ok')
    expect((await call(nobody, '/api')).json.message).toBe(
      'forbidden: User "system:anonymous" cannot get path "/api"',
    )
    expect((await call(nobody, '/api/v1/pods')).json.message).toBe(
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    )
  })

  it('is refused with a token that is none, or is no longer', async () => {
    const responder = await user('expiring', [{ verb: 'list', group: '', resource: 'pods' }])
    expect((await call(responder, PODS)).status).toBe(200)
    lab.revokeTokens('expiring')
    for (const access of [responder, { ...responder, token: 'nonsense' }]) {
      expect((await call(access, PODS)).text).toBe(
        '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}\n',
      )
    }
  })
})

describe('a user', () => {
  const LIST: AccessRuleLike = { verb: 'list', group: '', resource: 'pods', namespace: 'shop' }

  it.each<[string, string, string, string, Record<string, string>]>([
    [
      'GET',
      '/api/v1/pods',
      'pods is forbidden',
      'cannot list resource "pods" in API group "" at the cluster scope',
      { kind: 'pods' },
    ],
    [
      'GET',
      `${PODS}/x`,
      'pods "x" is forbidden',
      'cannot get resource "pods" in API group "" in the namespace "shop"',
      { name: 'x', kind: 'pods' },
    ],
    [
      'GET',
      `${PODS}/x/log`,
      'pods "x" is forbidden',
      'cannot get resource "pods/log" in API group "" in the namespace "shop"',
      { name: 'x', kind: 'pods' },
    ],
    [
      'PATCH',
      '/apis/apps/v1/namespaces/shop/deployments/foo',
      'deployments.apps "foo" is forbidden',
      'cannot patch resource "deployments" in API group "apps" in the namespace "shop"',
      { name: 'foo', group: 'apps', kind: 'deployments' },
    ],
    [
      'DELETE',
      '/api/v1/namespaces/shop',
      'namespaces "shop" is forbidden',
      'cannot delete resource "namespaces" in API group "" in the namespace "shop"',
      { name: 'shop', kind: 'namespaces' },
    ],
    [
      'GET',
      '/api/v1/nodes/a',
      'nodes "a" is forbidden',
      'cannot get resource "nodes" in API group "" at the cluster scope',
      { name: 'a', kind: 'nodes' },
    ],
  ])('without the right is refused %s %s', async (method, path, subject, verdict, details) => {
    const reply = await call(await user('responder', [LIST]), path, { method })
    expect(reply.json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `${subject}: User "responder" ${verdict}`,
      reason: 'Forbidden',
      details,
      code: 403,
    })
  })

  it('has exactly the rights that were given last', async () => {
    const access = await user('changing', [LIST])
    expect((await call(access, PODS)).status).toBe(200)
    await lab.kubeconfigFor('changing', [])
    expect((await call(access, PODS)).status).toBe(403)
  })

  it('with a right to one name has none to another', async () => {
    const access = await user('named', [{ verb: 'get', group: '', resource: 'pods', name: 'web-6dd6-one' }])
    expect((await call(access, `${PODS}/web-6dd6-one`)).status).toBe(200)
    expect((await call(access, `${PODS}/web-6dd6-two`)).status).toBe(403)
  })

  it('without any right may still read discovery', async () => {
    expect((await call(await user('none', []), '/apis/apps/v1')).status).toBe(200)
  })
})

describe('a review', () => {
  const review = async (access: Access, attributes: Record<string, string>): Promise<Reply> =>
    call(access, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      method: 'POST',
      body: {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        spec: { resourceAttributes: attributes },
      },
    })

  it.each([
    [{ namespace: 'shop', verb: 'get', resource: 'pods', subresource: 'log' }, true],
    [{ namespace: 'shop', verb: 'get', resource: 'pods' }, false],
    [{ verb: 'get', resource: 'pods', subresource: 'log' }, false],
    [{ namespace: 'other', verb: 'get', resource: 'pods', subresource: 'log' }, false],
  ])('of %j says %j', async (attributes, allowed) => {
    const rules = [{ verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: 'shop' }]
    const reply = await review(await user('asking', rules), attributes)
    expect(reply.status).toBe(201)
    expect(reply.json).toMatchObject({ spec: { resourceAttributes: attributes }, status: { allowed } })
  })

  it('without attributes is invalid', async () => {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    expect((await call(admin, path, { method: 'POST', body: { spec: {} } })).status).toBe(422)
  })

  it('of oneself names user and groups', async () => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
    const reply = await call(admin, path, { method: 'POST', body: {} })
    expect(at(reply.json, 'status', 'userInfo')).toEqual({
      username: 'lab-admin',
      groups: ['system:masters', 'system:authenticated'],
    })
  })
})

describe('impersonation', () => {
  const as = (name: string, ...groups: string[]) => ({
    headers: { 'Impersonate-User': name, ...(groups.length === 0 ? {} : { 'Impersonate-Group': groups }) },
  })

  it('acts with the rights of the other', async () => {
    await lab.kubeconfigFor('viewer', [{ verb: 'list', group: '', resource: 'pods' }])
    expect((await call(admin, PODS, as('viewer'))).status).toBe(200)
    expect(lab.requests.at(-1)!.user).toBe('viewer')
    expect((await call(admin, `${PODS}/x`, as('viewer'))).json.message).toContain('User "viewer" cannot get')
  })

  it.each([
    [
      as('boss'),
      'users "boss" is forbidden: User "plain" cannot impersonate resource "users" in API group "" at the cluster scope',
    ],
    [
      as('viewer', 'ops'),
      'groups "ops" is forbidden: User "plain" cannot impersonate resource "groups" in API group "" at the cluster scope',
    ],
    [
      as('system:serviceaccount:a:b'),
      'serviceaccounts "b" is forbidden: User "plain" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "a"',
    ],
  ])('with %j needs the right', async (options, message) => {
    const plain = await user('plain', [{ verb: 'impersonate', group: '', resource: 'users', name: 'viewer' }])
    expect((await call(plain, PODS, options)).json).toMatchObject({ code: 403, message })
  })

  it('of a group brings what the group may', async () => {
    expect((await call(admin, `${PODS}/web-6dd6-one`, as('somebody', 'system:masters'))).status).toBe(200)
  })
})
