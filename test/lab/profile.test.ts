import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../src/lab/lab.js'
import { asArray, at } from '../../src/model/json.js'
import { accessOf, call, exec, type Access } from './client.js'
import { smallSeed } from './small-seed.js'

const EXEC =
  '/api/v1/namespaces/shop/pods/web-6dd6-one/exec?command=echo&command=hi&container=app&stdout=true'

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed, version: '1.20' })
  await lab.settled()
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('a lab that plays 1.20', () => {
  it('says so', async () => {
    expect((await call(admin, '/version')).json).toMatchObject({ gitVersion: 'v1.20.2' })
  })

  it('knows no SelfSubjectReview, in a group that it serves', async () => {
    const path = '/apis/authentication.k8s.io/v1'
    expect((await call(admin, path)).json).toMatchObject({ resources: [] })
    const reply = await call(admin, `${path}/selfsubjectreviews`, { method: 'POST', body: {} })
    expect(reply.json).toMatchObject({
      code: 404,
      message: 'the server could not find the requested resource',
    })
  })

  it.each(['policy', 'discovery.k8s.io'])('serves %s as v1beta1 alone', async (group) => {
    expect((await call(admin, `/apis/${group}`)).json).toMatchObject({
      versions: [{ groupVersion: `${group}/v1beta1`, version: 'v1beta1' }],
    })
    expect((await call(admin, `/apis/${group}/v1`)).status).toBe(404)
  })

  it('serves batch in both versions, the stable one first', async () => {
    const { versions } = (await call(admin, '/apis/batch')).json
    expect(asArray(versions).map((version) => at(version, 'version'))).toEqual(['v1', 'v1beta1'])
  })

  it('shows EndpointSlices in their old shape', async () => {
    const reply = await call(admin, '/apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices')
    expect(reply.json).toMatchObject({
      apiVersion: 'discovery.k8s.io/v1beta1',
      items: [
        {
          endpoints: [{ conditions: { ready: true }, topology: { 'kubernetes.io/hostname': 'node-a' } }, {}],
        },
      ],
    })
    expect(reply.text).not.toContain('serving')
  })

  it('runs programs by v4, and needs only the right to get', async () => {
    const rules = [{ verb: 'get', group: '', resource: 'pods', subresource: 'exec' }]
    const access = await accessOf(await lab.kubeconfigFor('old', rules))
    expect(await exec(access, EXEC)).toMatchObject({ protocol: 'v4.channel.k8s.io', stdout: 'hi\n' })
    expect(await exec(access, EXEC, ['v5.channel.k8s.io'])).toEqual({ refused: 403, text: '' })
  })
})

describe('the groups of the two', () => {
  it.each([
    ['/apis/events.k8s.io', ['v1', 'v1beta1']],
    ['/apis/networking.k8s.io', ['v1', 'v1beta1']],
    ['/apis/extensions', ['v1beta1']],
    ['/apis/rbac.authorization.k8s.io', ['v1', 'v1beta1']],
  ])('%s are more in 1.20', async (path, versions) => {
    const served = asArray((await call(admin, path)).json.versions).map((one) => at(one, 'version'))
    expect(served).toEqual(versions)
    const now = await startLab({ seed: smallSeed })
    try {
      const reply = await call(await accessOf(now.kubeconfig), path)
      if (path === '/apis/extensions') expect(reply.status).toBe(404)
      else expect(asArray(reply.json.versions).map((one) => at(one, 'version'))).toEqual(['v1'])
    } finally {
      await now.close()
    }
  })

  it('let an old ingress be written and read in the new shape', async () => {
    const http = { paths: [{ path: '/', backend: { serviceName: 'web', servicePort: 80 } }] }
    const body = { metadata: { name: 'old' }, spec: { rules: [{ host: 'h', http }] } }
    const path = '/apis/networking.k8s.io/v1/namespaces/shop/ingresses'
    const oldPath = path.replace('/v1/', '/v1beta1/')
    expect((await call(admin, oldPath, { method: 'POST', body })).status).toBe(201)
    const backend = ['spec', 'rules', 0, 'http', 'paths', 0, 'backend'] as const
    expect(at((await call(admin, `${path}/old`)).json, ...backend)).toEqual({
      service: { name: 'web', port: { number: 80 } },
    })
    const extensions = '/apis/extensions/v1beta1/namespaces/shop/ingresses/old'
    expect(at((await call(admin, extensions)).json, ...backend)).toEqual({
      serviceName: 'web',
      servicePort: 80,
    })
  })

  it('take an event of the newer API, and show it in the older', async () => {
    const body = {
      metadata: { name: 'e.1' },
      regarding: { kind: 'Pod', namespace: 'shop', name: 'web-6dd6-one' },
      note: 'seized',
      reason: 'Impound',
      reportingController: 'impound',
    }
    const path = '/apis/events.k8s.io/v1/namespaces/shop/events'
    expect((await call(admin, path, { method: 'POST', body })).status).toBe(201)
    expect((await call(admin, '/api/v1/namespaces/shop/events/e.1')).json).toMatchObject({
      involvedObject: { name: 'web-6dd6-one' },
      message: 'seized',
      reportingComponent: 'impound',
    })
  })
})
