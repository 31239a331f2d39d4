import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../src/lab/lab.js'
import { accessOf, call, exec, type Access } from './client.js'
import { smallSeed } from './small-seed.js'

const POD = '/api/v1/namespaces/shop/pods/web-6dd6-one'
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('the audit log', () => {
  it('has a request as the server would have it, with the Audit-ID that the client gave', async () => {
    await call(admin, POD, { headers: { 'Audit-ID': 'impound-1' } })
    expect(lab.audit.at(-1)).toEqual({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: 'impound-1',
      stage: 'ResponseComplete',
      requestURI: POD,
      verb: 'get',
      user: { username: 'lab-admin', groups: ['system:masters', 'system:authenticated'] },
      sourceIPs: ['127.0.0.1'],
      userAgent: 'lab-test/1.0',
      objectRef: { resource: 'pods', namespace: 'shop', name: 'web-6dd6-one', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 200 },
      requestReceivedTimestamp: TIME,
      stageTimestamp: TIME,
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    })
  })

  it('says who acted as whom, and what was refused', async () => {
    const path = '/apis/apps/v1/namespaces/shop/deployments/x'
    await call(admin, path, { headers: { 'Impersonate-User': 'eve' } })
    expect(lab.audit.at(-1)).toMatchObject({
      user: { username: 'lab-admin' },
      impersonatedUser: { username: 'eve', groups: ['system:authenticated'] },
      objectRef: { resource: 'deployments', apiGroup: 'apps', apiVersion: 'v1' },
      responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 },
      annotations: { 'authorization.k8s.io/decision': 'forbid' },
    })
  })

  it('names what a create made, and streams', async () => {
    const body = { metadata: { generateName: 'made-' } }
    await call(admin, '/api/v1/namespaces/shop/configmaps', { method: 'POST', body })
    expect(lab.audit.at(-1)).toMatchObject({
      verb: 'create',
      objectRef: { resource: 'configmaps', name: expect.stringMatching(/^made-/) },
      responseStatus: { code: 201 },
    })
    await exec(admin, `${POD}/exec?command=echo&container=app&stdout=true`)
    expect(lab.audit.at(-1)).toMatchObject({
      verb: 'get',
      objectRef: { resource: 'pods', subresource: 'exec' },
      responseStatus: { code: 101 },
    })
  })

  it('has who could not be told without a user', async () => {
    await call({ ...admin, cert: undefined, key: undefined, token: 'nonsense' }, POD)
    expect(lab.audit.at(-1)).toMatchObject({
      user: {},
      responseStatus: { reason: 'Unauthorized', code: 401 },
    })
    expect(lab.audit).toHaveLength(lab.requests.length)
  })
})
