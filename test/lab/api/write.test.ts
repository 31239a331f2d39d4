import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, jsonPatch, mergePatch, type Access } from '../client.js'
import { smallSeed } from '../small-seed.js'

const POD = '/api/v1/namespaces/shop/pods/web-6dd6-one'
const POLICIES = '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies'

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

const policy = (name: string): JsonObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, labels: { x: 'y' } },
  spec: { podSelector: { matchLabels: { q: '1' } } },
})
const create = (name: string, query = '') =>
  call(admin, `${POLICIES}${query}`, { method: 'POST', body: policy(name) })

describe('a create', () => {
  it('answers with the object, its identity, defaults and managed fields', async () => {
    const reply = await create('one', '?fieldManager=impound')
    expect(reply.status).toBe(201)
    expect(reply.json).toEqual({
      kind: 'NetworkPolicy',
      apiVersion: 'networking.k8s.io/v1',
      metadata: {
        name: 'one',
        namespace: 'shop',
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        resourceVersion: expect.stringMatching(/^\d+$/),
        generation: 1,
        creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        labels: { x: 'y' },
        managedFields: [
          {
            manager: 'impound',
            operation: 'Update',
            apiVersion: 'networking.k8s.io/v1',
            time: expect.any(String),
            fieldsType: 'FieldsV1',
            fieldsV1: {
              'f:metadata': { 'f:labels': { '.': {}, 'f:x': {} } },
              'f:spec': { 'f:podSelector': {}, 'f:policyTypes': {} },
            },
          },
        ],
      },
      spec: { podSelector: { matchLabels: { q: '1' } }, policyTypes: ['Ingress'] },
    })
  })

  it('of a name that is taken is refused, under dryRun too', async () => {
    await create('taken')
    for (const reply of [await create('taken'), await create('taken', '?dryRun=All')]) {
      expect(reply.json).toMatchObject({
        code: 409,
        reason: 'AlreadyExists',
        message: 'networkpolicies.networking.k8s.io "taken" already exists',
        details: { name: 'taken', group: 'networking.k8s.io', kind: 'networkpolicies' },
      })
    }
  })

  it('under dryRun leaves nothing, and has no resourceVersion', async () => {
    const reply = await create('tried', '?dryRun=All')
    expect(reply.status).toBe(201)
    expect(reply.json.metadata).not.toHaveProperty('resourceVersion')
    expect((await call(admin, `${POLICIES}/tried`)).status).toBe(404)
  })

  it('makes up a name where only its beginning is given', async () => {
    const body = { metadata: { generateName: 'gen-' }, data: { a: 'b' } }
    const reply = await call(admin, '/api/v1/namespaces/shop/configmaps', { method: 'POST', body })
    expect(at(reply.json, 'metadata', 'name')).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2-9]{5}$/)
  })

  it.each<[string, string, unknown, number, string]>([
    [
      'a namespace that is not there',
      POLICIES.replace('shop', 'nope'),
      policy('a'),
      404,
      'namespaces "nope" not found',
    ],
    [
      'another namespace in the body',
      POLICIES,
      { ...policy('a'), metadata: { name: 'a', namespace: 'other' } },
      400,
      'the namespace of the provided object does not match the namespace sent on the request',
    ],
    [
      'no name',
      POLICIES,
      { metadata: {} },
      422,
      'NetworkPolicy.networking.k8s.io "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      'a name that is none',
      POLICIES,
      policy('A_b'),
      422,
      'NetworkPolicy.networking.k8s.io "A_b" is invalid: metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain',
    ],
    [
      'another kind',
      POLICIES,
      { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } },
      400,
      'Pod in version "v1" cannot be handled as a NetworkPolicy',
    ],
    [
      'an unknown dryRun',
      `${POLICIES}?dryRun=Some`,
      policy('a'),
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: []string{"Some"}: supported values: "All"',
    ],
    ['broken JSON', POLICIES, '{"a', 400, ''],
    [
      'a path with a name',
      `${POLICIES}/one`,
      policy('a'),
      405,
      'the server does not allow this method on the requested resource',
    ],
    [
      'no namespace',
      '/apis/networking.k8s.io/v1/networkpolicies',
      policy('a'),
      405,
      'the server does not allow this method on the requested resource',
    ],
  ])('with %s is refused', async (_what, path, body, code, message) => {
    const reply = await call(admin, path, { method: 'POST', body })
    expect(reply.status).toBe(code)
    expect(reply.json.message).toEqual(expect.stringContaining(message))
  })

  it('of something too big is refused', async () => {
    const body = { metadata: { name: 'big' }, data: { a: 'x'.repeat(3 * 1024 * 1024) } }
    expect((await call(admin, '/api/v1/namespaces/shop/configmaps', { method: 'POST', body })).status).toBe(
      413,
    )
  })
})

describe('a JSON patch', () => {
  it.each<[string, readonly unknown[]]>([
    ['whose test fails', [{ op: 'test', path: '/metadata/uid', value: 'nope' }]],
    ['that adds below absent annotations', [{ op: 'add', path: '/metadata/annotations/a', value: 'b' }]],
    ['that removes an absent label', [{ op: 'remove', path: '/metadata/labels/zzz' }]],
  ])('%s is a 422 that does not say why', async (_what, operations) => {
    const before = lab.objects.get('pods', 'shop', 'web-6dd6-one')
    const reply = await jsonPatch(admin, POD, operations)
    expect(reply.text).toBe(
      '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server rejected our request due to an error in our request","reason":"Invalid","details":{},"code":422}\n',
    )
    expect(lab.objects.get('pods', 'shop', 'web-6dd6-one')).toBe(before)
  })

  it('changes labels and keeps identity, and its manager owns what it changed', async () => {
    const before = lab.objects.get('pods', 'shop', 'web-6dd6-one')!
    const reply = await jsonPatch(admin, `${POD}?fieldManager=impound`, [
      { op: 'test', path: '/metadata/uid', value: at(before, 'metadata', 'uid') },
      { op: 'add', path: '/metadata/annotations', value: { lock: 'INC-1' } },
      { op: 'add', path: '/metadata/labels/impound.dev~1quarantine', value: '11111111' },
    ])
    expect(reply.status).toBe(200)
    expect(at(reply.json, 'metadata', 'uid')).toBe(at(before, 'metadata', 'uid'))
    expect(at(reply.json, 'metadata', 'labels')).toMatchObject({
      app: 'web',
      'impound.dev/quarantine': '11111111',
    })
    expect(Number(at(reply.json, 'metadata', 'resourceVersion'))).toBeGreaterThan(
      Number(at(before, 'metadata', 'resourceVersion')),
    )
    expect(at(reply.json, 'metadata', 'managedFields', 0, 'fieldsV1')).toEqual({
      'f:metadata': {
        'f:annotations': { '.': {}, 'f:lock': {} },
        'f:labels': { 'f:impound.dev/quarantine': {} },
      },
    })
  })

  it('under dryRun shows the outcome and changes nothing', async () => {
    const before = lab.objects.get('pods', 'shop', 'web-6dd6-two')
    const path = '/api/v1/namespaces/shop/pods/web-6dd6-two?dryRun=All'
    const reply = await jsonPatch(admin, path, [{ op: 'remove', path: '/metadata/labels/app' }])
    expect(at(reply.json, 'metadata', 'labels')).toEqual({ 'pod-template-hash': '6dd6' })
    expect(lab.objects.get('pods', 'shop', 'web-6dd6-two')).toBe(before)
  })

  it('that changes nothing makes no new version', async () => {
    const version = at(lab.objects.get('pods', 'shop', 'web-6dd6-two'), 'metadata', 'resourceVersion')
    const path = '/api/v1/namespaces/shop/pods/web-6dd6-two'
    const reply = await jsonPatch(admin, path, [{ op: 'add', path: '/metadata/labels/app', value: 'web' }])
    expect(at(reply.json, 'metadata', 'resourceVersion')).toBe(version)
  })
})

describe('a merge patch', () => {
  it.each<[string, unknown, number, string]>([
    [
      'an old resourceVersion',
      { metadata: { resourceVersion: '1' } },
      409,
      'Operation cannot be fulfilled on pods "web-6dd6-one": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      'another uid',
      { metadata: { uid: 'xx' } },
      422,
      'Pod "web-6dd6-one" is invalid: metadata.uid: Invalid value: "xx": field is immutable',
    ],
    [
      'another name',
      { metadata: { name: 'xx' } },
      400,
      'the name of the object (xx) does not match the name on the URL (web-6dd6-one)',
    ],
    [
      'a label that is none',
      { metadata: { labels: { a: 'b c' } } },
      422,
      'Pod "web-6dd6-one" is invalid: metadata.labels: Invalid value: "b c": a valid label must be',
    ],
    [
      'another node',
      { spec: { nodeName: 'x' } },
      422,
      'Pod "web-6dd6-one" is invalid: spec: Forbidden: pod updates may not change fields other than',
    ],
  ])('with %s is refused', async (_what, patch, code, message) => {
    const reply = await mergePatch(admin, POD, patch)
    expect(reply.status).toBe(code)
    expect(reply.json.message).toEqual(expect.stringContaining(message))
  })

  it('removes what is null', async () => {
    await mergePatch(admin, POD, { metadata: { labels: { extra: 'yes' } } })
    const reply = await mergePatch(admin, POD, { metadata: { labels: { extra: null } } })
    expect(at(reply.json, 'metadata', 'labels')).not.toHaveProperty('extra')
  })

  it('of a kind that nobody knows is a 415', async () => {
    const headers = { 'Content-Type': 'application/json' }
    const reply = await call(admin, POD, { method: 'PATCH', headers, body: {} })
    expect(reply.json).toMatchObject({ code: 415, message: '415: Unsupported Media Type', details: {} })
  })
})

describe('an update', () => {
  it('replaces the object, counts its generation, and refuses the version before', async () => {
    const made = (await create('updated')).json
    const spec = { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }
    const put = (body: unknown) => call(admin, `${POLICIES}/updated`, { method: 'PUT', body })
    const reply = await put({ ...made, spec })
    expect(reply.json).toMatchObject({ metadata: { generation: 2 }, spec })
    expect((await put({ ...made, spec: {} })).json).toMatchObject({ code: 409, reason: 'Conflict' })
  })
})

describe('a delete', () => {
  it('answers with what is gone', async () => {
    const uid = at((await create('gone')).json, 'metadata', 'uid')
    const reply = await call(admin, `${POLICIES}/gone`, { method: 'DELETE' })
    expect(reply.json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'gone', group: 'networking.k8s.io', kind: 'networkpolicies', uid },
    })
    expect((await call(admin, `${POLICIES}/gone`, { method: 'DELETE' })).status).toBe(404)
  })

  it.each([
    ['uid', 'nope', 'the UID in the precondition (nope) does not match the UID in record'],
    [
      'resourceVersion',
      '1',
      'the ResourceVersion in the precondition (1) does not match the ResourceVersion in record',
    ],
  ])('with another %s as precondition is refused', async (field, value, message) => {
    await create(`kept-${field.toLowerCase()}`)
    const path = `${POLICIES}/kept-${field.toLowerCase()}`
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { [field]: value } }
    const reply = await call(admin, path, { method: 'DELETE', body })
    expect(reply.json).toMatchObject({ code: 409, reason: 'Conflict' })
    expect(reply.json.message).toEqual(expect.stringContaining(message))
    expect((await call(admin, path)).status).toBe(200)
  })

  it.each([
    ['the query', '?dryRun=All', undefined],
    ['the options', '', { dryRun: ['All'] }],
  ])('under dryRun of %s changes nothing', async (_where, query, body) => {
    await create('stays')
    const reply = await call(admin, `${POLICIES}/stays${query}`, { method: 'DELETE', body })
    expect(reply.json).toMatchObject({ status: 'Success' })
    expect((await call(admin, `${POLICIES}/stays`)).status).toBe(200)
  })
})
