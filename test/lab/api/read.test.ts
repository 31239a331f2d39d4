import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../../src/lab/lab.js'
import { asArray, at } from '../../../src/model/json.js'
import { accessOf, call, type Access, type Reply } from '../client.js'
import { smallSeed, UID_ONE } from '../small-seed.js'

let lab: Lab
let admin: Access
const get = (path: string): Promise<Reply> => call(admin, path)
const names = (reply: Reply): unknown[] =>
  asArray(reply.json.items).map((item) => at(item, 'metadata', 'name'))

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('discovery', () => {
  it('lists groups with their versions', async () => {
    const groups = asArray((await get('/apis')).json.groups)
    expect(groups).toContainEqual({
      name: 'policy',
      versions: [{ groupVersion: 'policy/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'policy/v1', version: 'v1' },
    })
  })

  it('lists resources with their verbs and subresources', async () => {
    const resources = asArray((await get('/api/v1')).json.resources)
    expect(resources).toContainEqual({
      name: 'pods',
      singularName: 'pod',
      namespaced: true,
      kind: 'Pod',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['po'],
    })
    expect(resources.map((resource) => at(resource, 'name'))).toContain('pods/exec')
  })

  it('names its version', async () => {
    expect((await get('/version')).json).toMatchObject({ major: '1', minor: '36' })
  })
})

describe('a read', () => {
  it('is answered as the API server does: kind first, echo of the Audit-ID, a newline at the end', async () => {
    const reply = await call(admin, '/api/v1/namespaces/shop/pods/web-6dd6-one', {
      headers: { 'Audit-ID': 'impound-7' },
    })
    expect(reply.text).toMatch(/^\{"kind":"Pod","apiVersion":"v1","metadata":\{"name":"web-6dd6-one",.*\}\n$/)
    expect(reply.headers).toMatchObject({
      'audit-id': 'impound-7',
      'cache-control': 'no-cache, private',
      'content-type': 'application/json',
    })
    expect(reply.headers.date).toMatch(/GMT$/)
  })

  it('escapes what HTML might read, as the Go encoder does', async () => {
    lab.objects.put({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'markup', namespace: 'shop' },
      data: { text: '<b>&\u2028' },
    })
    const reply = await get('/api/v1/namespaces/shop/configmaps/markup')
    expect(reply.text).toContain('"\\u003cb\\u003e\\u0026\\u2028"')
    expect(at(reply.json, 'data', 'text')).toBe('<b>&\u2028')
  })

  it('shows an event in both groups, each in its own shape', async () => {
    const path = '/apis/events.k8s.io/v1/namespaces/shop/events?fieldSelector=regarding.uid%3D'
    const [item] = asArray((await get(`${path}${UID_ONE}`)).json.items)
    expect(item).toMatchObject({
      regarding: { name: 'web-6dd6-one' },
      note: 'Back-off restarting failed container',
      deprecatedCount: 3,
      deprecatedSource: { component: 'kubelet', host: 'node-a' },
      eventTime: null,
    })
    const core = await get(`/api/v1/namespaces/shop/events?fieldSelector=involvedObject.uid%3D${UID_ONE}`)
    expect(at(core.json, 'items', 0, 'message')).toBe('Back-off restarting failed container')
  })

  it.each([
    ['/api/v1/namespaces/shop/pods/nix', 404, 'pods "nix" not found', { name: 'nix', kind: 'pods' }],
    [
      '/apis/apps/v1/namespaces/shop/replicasets/nix',
      404,
      'replicasets.apps "nix" not found',
      { name: 'nix', group: 'apps', kind: 'replicasets' },
    ],
    ['/api/v1/namespaces/shop/nix', 404, 'the server could not find the requested resource', {}],
    ['/api/v1/namespaces/shop/pods/x/nix', 404, 'the server could not find the requested resource', {}],
    ['/api/v1/namespaces/shop/pods/../services', 404, 'the server could not find the requested resource', {}],
    [
      '/api/v1/namespaces/shop/pods/%2E%2E',
      400,
      'Name parameter invalid: "..": may not be \'..\'',
      undefined,
    ],
    ['/api/v1/pods?limit=x', 400, 'strconv.ParseInt: parsing "x": invalid syntax', undefined],
    [
      '/api/v1/pods?continue=zzz',
      400,
      "invalid continue token: continue key is not valid: invalid character 'Ï' looking for beginning of value",
      undefined,
    ],
    [
      '/api/v1/pods?continue=e30',
      400,
      'invalid continue token: continue key is not valid: server does not recognize this encoded version ""',
      undefined,
    ],
    ['/api/v1/pods?fieldSelector=foo%3Dbar', 400, 'field label not supported: foo', undefined],
  ])('of %s is a %d', async (path, code, message, details) => {
    const reply = await get(path)
    expect(reply.status).toBe(code)
    expect(reply.json).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      code,
    })
    expect(reply.json.details).toEqual(details)
  })

  it('of a group that is not served gets no Status at all', async () => {
    const reply = await get('/apis/metrics.k8s.io/v1beta1/pods')
    expect([reply.status, reply.text]).toEqual([404, '404 page not found\n'])
  })
})

describe('a list', () => {
  it.each([
    ['pods?labelSelector=app%3Dweb', ['web-6dd6-one', 'web-6dd6-two']],
    ['pods?labelSelector=app!%3Dweb', []],
    ['pods?fieldSelector=status.podIP%3D10.1.2.3', ['web-6dd6-two']],
    ['pods?fieldSelector=spec.nodeName%3Dnode-a,metadata.name!%3Dweb-6dd6-two', ['web-6dd6-one']],
    ['pods?fieldSelector=status.phase%3DPending', []],
  ])('of %s', async (query, expected) => {
    expect(names(await get(`/api/v1/namespaces/shop/${query}`))).toEqual(expected)
    expect(names(await get(`/api/v1/${query}`))).toEqual(expected)
  })

  it('in pages shows every object once, as of the first page', async () => {
    const path = '/api/v1/namespaces/shop/pods?limit=1'
    const first = await get(path)
    const token = String(at(first.json, 'metadata', 'continue'))
    expect(first.json.metadata).toEqual({
      resourceVersion: expect.any(String),
      continue: token,
      remainingItemCount: 1,
    })
    lab.objects.put({ ...lab.objects.get('pods', 'shop', 'web-6dd6-two')!, status: { phase: 'Failed' } })
    const second = await get(`${path}&continue=${token}`)
    expect([names(first), names(second)]).toEqual([['web-6dd6-one'], ['web-6dd6-two']])
    expect(at(second.json, 'items', 0, 'status', 'phase')).toBe('Running')
    expect(second.json.metadata).toEqual({ resourceVersion: at(first.json, 'metadata', 'resourceVersion') })
  })

  it('whose token has expired is a 410', async () => {
    const token = at((await get('/api/v1/pods?limit=1')).json, 'metadata', 'continue')
    lab.compact()
    const reply = await get(`/api/v1/pods?limit=1&continue=${String(token)}`)
    expect(reply.json).toMatchObject({ code: 410, reason: 'Expired' })
  })

  it('leaves kind and apiVersion out of its items', async () => {
    expect(asArray((await get('/api/v1/nodes')).json.items)[0]).not.toHaveProperty('kind')
  })
})
