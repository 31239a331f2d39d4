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
