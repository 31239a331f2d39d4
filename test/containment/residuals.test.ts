import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation, planRelease } from '../../src/containment/index.js'
import type { NetworkPolicy } from '../../src/model/kubernetes.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import type { MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, MARK, OPTIONS, pod, policy, shop, suspect, target } from './shop.js'

const WANTED = { ...OPTIONS, wanted: new Set(['patch-residuals'] as const) }
const EXPRESSION = { key: 'impound.dev/quarantine', operator: 'NotIn', values: [MARK] }

function residualShop(): MemoryApi {
  const api = shop()
  api.put('networkpolicies', policy('everything', { podSelector: {}, ingress: [{}] }))
  const untiered = { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }] }
  api.put('networkpolicies', policy('not-back', { podSelector: untiered, egress: [{}] }))
  api.put(
    'networkpolicies',
    policy('web-in', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{}] }),
  )
  return api
}

async function contained(api: MemoryApi): Promise<QuarantinePlan> {
  const containment = createContainment(WANTED)
  const plan = await containment.plan(api.context, target(api))
  await containment.apply(api.context, plan)
  return plan
}

function selectorOf(api: MemoryApi, name: string): unknown {
  return (api.find('networkpolicies', name) as unknown as NetworkPolicy).spec?.podSelector
}

describe('policies that would still let the suspect through', () => {
  it('exclude it before any label goes, and are after a release byte for byte what they were', async () => {
    const api = residualShop()
    const before = JSON.stringify(['everything', 'not-back', 'web-in'].map((name) => selectorOf(api, name)))
    const plan = await contained(api)
    expect(actionNamed(plan, 'patch-residuals')).toMatchObject({
      action: 'patch-residuals',
      closes: ['everything', 'not-back'],
    })
    expect(plan.policies.map(({ name, closedBy }) => [name, closedBy])).toEqual([
      ['everything', 'patch-residuals'],
      ['not-back', 'patch-residuals'],
      ['web-in', undefined],
    ])
    expect(plan.warnings.join()).not.toContain('leaves open')
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(api.journal.map(({ intent }) => intent.step)).toEqual([
      'lock',
      'policy',
      'annotate',
      'create PodDisruptionBudget',
      'exclude',
      'exclude',
      'label',
      'relabel',
    ])
    expect(selectorOf(api, 'everything')).toEqual({ matchExpressions: [EXPRESSION] })
    expect((await createContainment(WANTED).verify(api.context, plan)).open.join()).not.toContain(
      'still selects',
    )
    const [release] = await planRelease(api.context, api.journal, OPTIONS)
    expect(release?.actions.map(({ action, undoes }) => [action, undoes.length])).toEqual([
      ['patch-residuals', 2],
      ['protect', 2],
    ])
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left).toEqual([])
    expect(JSON.stringify(['everything', 'not-back', 'web-in'].map((name) => selectorOf(api, name)))).toBe(
      before,
    )
  })

  it('are left alone where nobody asked, and named', async () => {
    const plan = await createContainment(OPTIONS).plan(residualShop().context, target(residualShop()))
    expect(plan.actions.map(({ action }) => action)).not.toContain('patch-residuals')
    expect(plan.warnings.filter((line) => line.includes('leaves open'))).toHaveLength(2)
  })

  it('are released one suspect at a time: the other one stays excluded', async () => {
    const api = residualShop()
    api.edit('networkpolicies', 'everything', (object) => {
      object['spec'] = {
        podSelector: { matchExpressions: [{ ...EXPRESSION, values: ['0ther000'] }] },
        ingress: [{}],
      }
    })
    await contained(api)
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(selectorOf(api, 'everything')).toEqual({
      matchExpressions: [{ ...EXPRESSION, values: ['0ther000'] }],
    })
  })

  it('keep what somebody else changed meanwhile; one that was put back is named', async () => {
    const api = residualShop()
    await contained(api)
    api.edit(
      'networkpolicies',
      'everything',
      (object) => (object['spec'] = { podSelector: {}, ingress: [{}] }),
    )
    api.edit('networkpolicies', 'not-back', (object) => {
      const spec = object['spec'] as { podSelector: { matchExpressions: object[] } }
      spec.podSelector.matchExpressions.push({ key: 'new', operator: 'Exists' })
    })
    const plan = await createContainment(WANTED).plan(api.context, target(api))
    expect(actionNamed(plan, 'patch-residuals')).toMatchObject({ closes: ['everything'] })
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left).toEqual([
      'NetworkPolicy everything no longer excludes the pod: somebody changed or deleted it',
    ])
    expect(selectorOf(api, 'not-back')).toEqual({
      matchExpressions: [
        { key: 'tier', operator: 'NotIn', values: ['back'] },
        { key: 'new', operator: 'Exists' },
      ],
    })
  })

  it('are found by their marks where only the annotation of the pod is left', async () => {
    const api = residualShop()
    await contained(api)
    await createContainment(OPTIONS).undo(api.context, entriesFromAnnotation(suspect(api)))
    expect(selectorOf(api, 'everything')).toEqual({})
  })

  it.each([
    [{ labels: { 'kustomize.toolkit.fluxcd.io/name': 'shop' } }, 'Flux'],
    [{ annotations: { 'argocd.argoproj.io/tracking-id': 'x' } }, 'Argo CD'],
    [{ annotations: { 'meta.helm.sh/release-name': 'x' } }, 'Helm'],
    [{ ownerReferences: [{ kind: 'Tenant', name: 'a', controller: true }] }, 'Tenant a'],
  ])('warn where their keeper may put them back: %j', async (metadata, who) => {
    const api = residualShop()
    api.edit('networkpolicies', 'everything', (object) => Object.assign(object.metadata, metadata))
    const plan = await createContainment(WANTED).plan(api.context, target(api))
    expect(actionNamed(plan, 'patch-residuals')?.warnings).toEqual([
      `NetworkPolicy everything is kept by ${who}, which may put it back as it was and open it again`,
    ])
  })

  it('refuse the run where the right to patch them is missing, or admission says no', async () => {
    const api = residualShop()
    api.denied = ({ verb, resource }) => verb === 'patch' && resource === 'networkpolicies'
    expect((await createContainment(WANTED).plan(api.context, target(api))).missingAccess).toEqual([
      { verb: 'patch', group: 'networking.k8s.io', resource: 'networkpolicies', namespace: 'shop' },
    ])
    const strict = residualShop()
    strict.admission = (_method, body) =>
      JSON.stringify(body).includes('matchExpressions') ? 'policies are frozen' : undefined
    expect((await createContainment(WANTED).plan(strict.context, target(strict))).refusals).toMatchObject([
      { code: 'admission', message: 'everything: policies are frozen' },
      { code: 'admission' },
    ])
  })

  it('do not touch a pod of the same name that came later', async () => {
    const api = residualShop()
    await contained(api)
    api.put('pods', pod(target(api).name, 'another-uid'))
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(selectorOf(api, 'everything')).toEqual({})
  })
})

describe('a policy that the quarantine label itself would make open the pod', () => {
  it('stops the run before the label where it can not be made to exclude the pod', async () => {
    const api = shop()
    api.put('networkpolicies', policy('isolates', { podSelector: {}, policyTypes: ['Ingress'] }))
    const marked = { matchExpressions: [{ key: 'impound.dev/quarantine', operator: 'Exists' }] }
    api.put('networkpolicies', policy('trap', { podSelector: marked, ingress: [{}] }))
    const containment = createContainment(WANTED)
    const plan = await containment.plan(api.context, target(api))
    expect(plan.refusals).toEqual([])
    api.faults.set(5, { kind: 'refused', code: 'forbidden', status: 403 })
    await expect(containment.apply(api.context, plan)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('trap'),
    })
    expect(suspect(api).metadata?.labels).not.toHaveProperty(['impound.dev/quarantine'])
    await contained(api)
    expect(suspect(api).metadata?.labels).toHaveProperty(['impound.dev/quarantine'])
    expect(selectorOf(api, 'trap')).toMatchObject({ matchExpressions: [{}, EXPRESSION] })
  })
})
