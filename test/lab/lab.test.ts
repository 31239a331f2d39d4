import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../src/lab/lab.js'
import { accessOf, call, exec, type Access } from './client.js'
import { smallSeed } from './small-seed.js'

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

describe('a lab', () => {
  it('shows its pods to the admin of its kubeconfig', async () => {
    const reply = await call(admin, '/api/v1/namespaces/shop/pods')
    expect(reply.status).toBe(200)
    expect(reply.text).toMatch(
      /^\{"kind":"PodList","apiVersion":"v1","metadata":\{"resourceVersion":"\d+"\},"items":\[\{"metadata":\{"name":"web-6dd6-one",/,
    )
    expect(reply.text.endsWith('\n')).toBe(true)
  })

  it('runs a program', async () => {
    const path =
      '/api/v1/namespaces/shop/pods/web-6dd6-one/exec?container=app&command=echo&command=hi&stdout=true&stderr=true'
    expect(await exec(admin, path)).toEqual({
      protocol: 'v5.channel.k8s.io',
      stdout: 'hi\n',
      stderr: '',
      channels: [1, 1, 3],
      status: { metadata: {}, status: 'Success' },
      closeCode: 1000,
    })
  })
})
