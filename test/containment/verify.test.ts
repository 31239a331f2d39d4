import { describe, expect, it } from '@jest/globals'

import { createContainment } from '../../src/containment/index.js'
import type { Verdict } from '../../src/model/containment.js'
import type { MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { MARK, OPTIONS, policy, shop, SUSPECT, target } from './shop.js'

const POLICY = `impound-${MARK}`

/** Quarantines the suspect, lets somebody interfere, verifies. */
async function verdictAfter(interfere: (api: MemoryApi) => void, api = shop()): Promise<Verdict> {
  const action = createContainment(OPTIONS)
  const plan = await action.plan(api.context, target(api))
  await action.apply(api.context, plan)
  interfere(api)
  const verdict = await action.verify(api.context, plan)
  expect(complaints('verdict', verdict)).toEqual([])
  return verdict
}

describe('the verdict on a quarantine', () => {
  it('is unverified at best, since nothing was tried', async () => {
    expect(await verdictAfter(() => undefined)).toEqual({
      schema: 'impound/verdict/v1',
      kind: 'unverified',
      means: 'api',
      why: "accepted by the API server; nothing was tried from the pod's network",
      tried: [
        `read back: NetworkPolicy ${POLICY} stands as written`,
        'read back: label impound.dev/quarantine is on the pod',
        'read back: labels are gone: app, app.kubernetes.io/instance, pod-template-hash, tier',
        'evaluated: every NetworkPolicy of the namespace (1); still letting the pod through: 0',
        'read back: no controller holds the pod',
        'read back: annotations cluster-autoscaler.kubernetes.io/safe-to-evict, karpenter.sh/do-not-disrupt are on the pod',
        `read back: PodDisruptionBudget shop/${POLICY} stands`,
      ],
      open: [
        'connections that were open before the cut: most network plugins leave them; for this cluster it is not known',
        'traffic between the pod and its own node node-a (10.0.0.1)',
      ],
      inForceAt: '2026-11-22T03:00:00.000Z',
    })
  })

  it('says whose the pod is where another case won it, and speaks of nothing as gone', async () => {
    const api = shop()
    const [mine, theirs] = [
      createContainment(OPTIONS),
      createContainment({ ...OPTIONS, case: 'R2', who: 'bo' }),
    ]
    const plan = await mine.plan(api.context, target(api))
    await theirs.apply(api.context, await theirs.plan(api.context, target(api)))
    await expect(mine.apply(api.context, plan)).rejects.toMatchObject({ code: 'refused' })
    const { kind, why, open } = await mine.verify(api.context, plan)
    expect(kind).toBe('not-enforced')
    expect(why).toBe(`NetworkPolicy ${POLICY} is not this case's: case R2 holds the pod`)
    expect(open.join()).toContain('case R2 holds the pod: quarantined by bo at 2026-11-22T03:00:00.000Z')
    expect(open.join()).not.toContain('is gone')
  })

  it('names each policy that the deny-all does not override, also one that came after the plan', async () => {
    const api = shop()
    api.put('networkpolicies', policy('everything', { podSelector: {}, ingress: [{}] }))
    const late = policy('late', {
      podSelector: { matchLabels: { 'impound.dev/quarantine': MARK } },
      egress: [{}],
    })
    const { kind, open } = await verdictAfter(() => api.put('networkpolicies', late), api)
    expect(kind).toBe('unverified')
    expect(open).toContain('NetworkPolicy everything still selects it: ingress from anywhere')
    expect(open).toContain('NetworkPolicy late still selects it: egress to anywhere')
  })

  it.each<[string, (api: MemoryApi) => void, RegExp]>([
    ['the policy is gone', (api) => api.remove('networkpolicies', POLICY), /NetworkPolicy .* does not exist/],
    [
      'the policy allows something now',
      (api) =>
        api.edit('networkpolicies', POLICY, (object) => {
          object['spec'] = { ...(object['spec'] as object), egress: [{}] }
        }),
      /not as it was written/,
    ],
    [
      'the policy selects other pods now',
      (api) =>
        api.edit('networkpolicies', POLICY, (object) => {
          object['spec'] = {
            podSelector: { matchLabels: { app: 'x' } },
            policyTypes: ['Ingress', 'Egress'],
          }
        }),
      /not as it was written/,
    ],
    [
      'the label is gone',
      (api) => api.edit('pods', SUSPECT, ({ metadata }) => (metadata['labels'] = {})),
      /does not carry the label/,
    ],
    [
      'the pod is on the network of its node',
      (api) => api.edit('pods', SUSPECT, (object) => (object['spec'] = { hostNetwork: true })),
      /network of its node/,
    ],
  ])('is not-enforced, and has no time, where %s', async (_title, interfere, why) => {
    const verdict = await verdictAfter(interfere)
    expect(verdict.kind).toBe('not-enforced')
    expect(verdict.why).toMatch(why)
    expect(verdict.inForceAt).toBeUndefined()
  })

  it.each<[string, (api: MemoryApi) => void, string]>([
    [
      'labels that came back',
      (api) =>
        api.edit(
          'pods',
          SUSPECT,
          ({ metadata }) => (metadata['labels'] = { ...(metadata['labels'] as object), app: 'web' }),
        ),
      'labels that were to go are on the pod: app',
    ],
    [
      'an annotation that somebody took off',
      (api) => api.edit('pods', SUSPECT, ({ metadata }) => delete metadata['annotations']),
      'the pod carries no annotation of this case',
    ],
  ])('says what is open: %s', async (_title, interfere, words) => {
    const { kind, open } = await verdictAfter(interfere)
    expect(kind).toBe('unverified')
    expect(open.join('\n')).toContain(words)
  })

  it('says that it does not know what other policies allow where they can not be listed', async () => {
    const { kind, open } = await verdictAfter((api) => api.unreadable.set('list networkpolicies', 'timeout'))
    expect(kind).toBe('unverified')
    expect(open[0]).toBe('what other NetworkPolicies allow: not known (networkpolicies is timeout)')
  })

  it('gives no verdict where its own policy can not be read', async () => {
    const verdict = verdictAfter((api) => api.unreadable.set('networkpolicies', 'timeout'))
    await expect(verdict).rejects.toMatchObject({ code: 'timeout' })
  })

  it('is unverified where the pod is gone', async () => {
    const verdict = await verdictAfter((api) => api.remove('pods', SUSPECT))
    expect(verdict).toMatchObject({ kind: 'unverified', why: expect.stringContaining('is gone') })
    expect(verdict.inForceAt).toBeUndefined()
  })

  it('has no time of its own where another run applied it', async () => {
    const api = shop()
    const action = createContainment(OPTIONS)
    const plan = await action.plan(api.context, target(api))
    await action.apply(api.context, plan)
    expect((await createContainment(OPTIONS).verify(api.context, plan)).inForceAt).toBeUndefined()
  })

  it('goes with a plan that has the shape its schema says', async () => {
    const api = shop()
    api.put('networkpolicies', policy('everything', { podSelector: {}, ingress: [{}] }))
    api.unreadable.set('endpointslices', 'forbidden')
    api.denied = ({ verb }) => verb === 'delete'
    const plan = await createContainment({ ...OPTIONS, keepLabels: ['tier'] }).plan(api.context, target(api))
    expect(plan.refusals).toHaveLength(1)
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(complaints('quarantine-plan', { ...plan, target: {} })).not.toEqual([])
  })
})
