import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { AdmissionEffect } from '../../../src/lab/admission/admission.js'
import { startLab, type Lab } from '../../../src/lab/lab.js'
import { at, type JsonObject } from '../../../src/model/json.js'
import { accessOf, call, exec, mergePatch, type Access, type Reply } from '../client.js'
import { smallSeed } from '../small-seed.js'

const MAPS = '/api/v1/namespaces/shop/configmaps'
const PODS = '/api/v1/namespaces/shop/pods'

let lab: Lab
let admin: Access

beforeAll(async () => {
  lab = await startLab({ seed: smallSeed })
  admin = await accessOf(lab.kubeconfig)
})
afterAll(() => lab.close())

async function under(effect: AdmissionEffect, query = ''): Promise<Reply> {
  const takeBack = lab.admission.add({
    match: { operation: 'CREATE', resource: 'configmaps', namespace: 'shop' },
    effect,
  })
  try {
    return await call(admin, `${MAPS}${query}`, {
      method: 'POST',
      body: { metadata: { generateName: 'h-' } },
    })
  } finally {
    takeBack()
  }
}

describe('a webhook', () => {
  it.each<[AdmissionEffect, number, JsonObject]>([
    [
      { kind: 'webhook-denies', webhook: 'deny.dev' },
      400,
      { message: 'admission webhook "deny.dev" denied the request without explanation', code: 400 },
    ],
    [
      { kind: 'webhook-denies', webhook: 'deny.dev', message: 'no, thanks' },
      400,
      { message: 'admission webhook "deny.dev" denied the request: no, thanks', code: 400 },
    ],
    [
      { kind: 'webhook-denies', webhook: 'deny.dev', message: 'teapot', reason: 'Nope', code: 418 },
      418,
      { message: 'admission webhook "deny.dev" denied the request: teapot', reason: 'Nope', code: 418 },
    ],
    [
      { kind: 'webhook-denies', webhook: 'deny.dev', reason: 'JustBecause' },
      400,
      {
        message: 'admission webhook "deny.dev" denied the request: JustBecause',
        reason: 'JustBecause',
        code: 400,
      },
    ],
    [
      {
        kind: 'webhook-fails',
        webhook: 'deny.dev',
        url: 'https://h.svc:443/v',
        error: 'context deadline exceeded',
      },
      500,
      {
        message:
          'Internal error occurred: failed calling webhook "deny.dev": Post "https://h.svc:443/v?timeout=10s": context deadline exceeded',
        reason: 'InternalError',
        details: {
          causes: [
            {
              message:
                'failed calling webhook "deny.dev": Post "https://h.svc:443/v?timeout=10s": context deadline exceeded',
            },
          ],
        },
        code: 500,
      },
    ],
  ])('refuses in the words of the server: %j', async (effect, code, body) => {
    const reply = await under(effect)
    expect(reply.status).toBe(code)
    expect(reply.json).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...body })
  })

  it('with side effects refuses only a dry run', async () => {
    const effect: AdmissionEffect = { kind: 'webhook-without-dry-run', webhook: 'side.dev' }
    expect((await under(effect)).status).toBe(201)
    expect((await under(effect, '?dryRun=All')).json).toMatchObject({
      code: 400,
      reason: 'BadRequest',
      message: 'admission webhook "side.dev" does not support dry run',
    })
  })

  it('warns in a header, and lets in', async () => {
    const reply = await under({ kind: 'webhook-warns', warning: 'careful now' })
    expect([reply.status, reply.headers.warning]).toEqual([201, '299 - "careful now"'])
  })

  it('changes what is created', async () => {
    const patch = [{ op: 'add', path: '/metadata/labels', value: { by: 'webhook' } }]
    const reply = await under({ kind: 'webhook-patches', patch })
    expect(at(reply.json, 'metadata', 'labels')).toEqual({ by: 'webhook' })
  })

  it('stands before updates, deletes and connections too, where it matches', async () => {
    const deny: AdmissionEffect = { kind: 'webhook-denies', webhook: 'w', message: 'frozen' }
    const back = [
      lab.admission.add({ match: { operation: 'UPDATE', resource: 'pods' }, effect: deny }),
      lab.admission.add({ match: { operation: 'DELETE', resource: 'pods' }, effect: deny }),
      lab.admission.add({ match: { operation: 'CONNECT', resource: 'pods/exec' }, effect: deny }),
    ]
    expect(lab.admission.unmet()).toHaveLength(3)
    const pod = `${PODS}/web-6dd6-one`
    expect((await mergePatch(admin, pod, { metadata: { labels: { x: 'y' } } })).json.message).toContain(
      'frozen',
    )
    expect((await call(admin, pod, { method: 'DELETE' })).json.message).toContain('frozen')
    expect(await exec(admin, `${pod}/exec?command=echo&container=app&stdout=true`)).toMatchObject({
      refused: 400,
      text: expect.stringContaining('frozen'),
    })
    expect(lab.admission.unmet()).toEqual([])
    for (const takeBack of back) takeBack()
    expect((await call(admin, pod)).status).toBe(200)
  })
})

describe('a plug-in of the server', () => {
  it('forbids', async () => {
    const message = 'exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10'
    expect((await under({ kind: 'forbids', message })).json).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: expect.stringMatching(/^configmaps "h-\w{5}" is forbidden: exceeded quota: q, /),
    })
  })
})

describe('Pod Security', () => {
  const label = (labels: Record<string, string>): void => {
    const namespace = lab.objects.get('namespaces', undefined, 'shop')!
    lab.objects.put({ ...namespace, metadata: { name: 'shop', labels } })
  }
  const create = (spec: JsonObject): Promise<Reply> =>
    call(admin, `${PODS}?dryRun=All`, { method: 'POST', body: { metadata: { name: 'p' }, spec } })
  const HOSTILE: JsonObject = {
    hostNetwork: true,
    hostPID: true,
    containers: [{ name: 'n', image: 'i', securityContext: { privileged: true } }],
    volumes: [{ name: 'host', hostPath: { path: '/' } }],
  }

  it.each([
    [
      'baseline',
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume "host"), privileged (container "n" must not set securityContext.privileged=true)',
    ],
    [
      'restricted',
      'pods "p" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true, hostPID=true), privileged (container "n" must not set securityContext.privileged=true), allowPrivilegeEscalation != false (container "n" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "n" must set securityContext.capabilities.drop=["ALL"]), restricted volume types (volume "host" uses restricted volume type "hostPath"), runAsNonRoot != true (pod or container "n" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "n" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    ],
  ])('at %s says all that is wrong', async (level, message) => {
    label({ 'pod-security.kubernetes.io/enforce': level })
    expect((await create(HOSTILE)).json).toMatchObject({ code: 403, reason: 'Forbidden', message })
  })

  it('lets in what is within its level, and warns of a stricter one', async () => {
    label({
      'pod-security.kubernetes.io/enforce': 'baseline',
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/warn-version': 'v1.36',
    })
    const reply = await create({ containers: [{ name: 'n', image: 'i' }] })
    expect(reply.status).toBe(201)
    expect(reply.headers.warning).toContain(
      '299 - "would violate PodSecurity \\"restricted:v1.36\\": allowPrivilege',
    )
    const securityContext = {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    }
    const good = await create({ containers: [{ name: 'n', image: 'i', securityContext }] })
    expect([good.status, good.headers.warning]).toEqual([201, undefined])
  })

  it('is not known to 1.20', async () => {
    const old = await startLab({ seed: smallSeed, version: '1.20' })
    try {
      const namespace = old.objects.get('namespaces', undefined, 'shop')!
      old.objects.put({
        ...namespace,
        metadata: { name: 'shop', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      })
      const access = await accessOf(old.kubeconfig)
      const body = { metadata: { name: 'p' }, spec: HOSTILE }
      expect((await call(access, `${PODS}?dryRun=All`, { method: 'POST', body })).status).toBe(201)
    } finally {
      await old.close()
    }
  })
})
