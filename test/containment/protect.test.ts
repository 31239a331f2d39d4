import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation } from '../../src/containment/index.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import type { MemoryApi } from './memory-api.js'
import { actionNamed, MARK, OPTIONS, shop, SUSPECT, suspect, target } from './shop.js'

const BUDGET = `impound-${MARK}`
const EVICT = 'cluster-autoscaler.kubernetes.io/safe-to-evict'
const DISRUPT = 'karpenter.sh/do-not-disrupt'

async function contained(api: MemoryApi): Promise<QuarantinePlan> {
  const containment = createContainment(OPTIONS)
  const plan = await containment.plan(api.context, target(api))
  await containment.apply(api.context, plan)
  return plan
}

function annotated(api: MemoryApi, annotations: Readonly<Record<string, string>>): void {
  api.edit('pods', SUSPECT, ({ metadata }) => (metadata['annotations'] = { ...annotations }))
}

describe('protecting a suspect', () => {
  it.each(['v1', 'v1beta1'])('keeps autoscalers and evictions off it, with policy/%s', async (version) => {
    const api = shop()
    api.served = api.served.map((each) => (each.group === 'policy' ? { ...each, version } : each))
    const plan = await contained(api)
    expect(actionNamed(plan, 'protect')?.changes).toEqual([
      `~ annotation ${EVICT}: false`,
      `~ annotation ${DISRUPT}: true`,
      `+ PodDisruptionBudget shop/${BUDGET} (minAvailable 1)`,
    ])
    expect(suspect(api).metadata?.annotations).toMatchObject({ [EVICT]: 'false', [DISRUPT]: 'true' })
    expect(api.find('poddisruptionbudgets', BUDGET)).toMatchObject({
      apiVersion: `policy/${version}`,
      spec: { minAvailable: 1, selector: { matchLabels: { 'impound.dev/quarantine': MARK } } },
    })
  })

  it.each<[string, (api: MemoryApi) => void, string]>([
    [
      'a right is missing',
      (api) => (api.denied = ({ group }) => group === 'policy'),
      'no right to get, create, delete it',
    ],
    [
      'it is not served',
      (api) => (api.served = api.served.filter(({ group }) => group !== 'policy')),
      'this cluster serves none',
    ],
    [
      'admission refuses it',
      (api) =>
        (api.admission = (_method, body) =>
          JSON.stringify(body).includes('minAvailable') ? 'no budgets here' : undefined),
      'no budgets here',
    ],
  ])('goes without a PodDisruptionBudget where %s, and warns', async (_title, change, why) => {
    const api = shop()
    change(api)
    const plan = await contained(api)
    expect(plan.refusals).toEqual([])
    expect(plan.missingAccess).toEqual([])
    expect(actionNamed(plan, 'protect')?.warnings).toContain(`no PodDisruptionBudget for the suspect: ${why}`)
    expect(api.find('poddisruptionbudgets', BUDGET)).toBeUndefined()
    expect(suspect(api).metadata?.annotations).toHaveProperty([EVICT], 'false')
  })

  it.each(['journal', 'annotation'])('gives earlier values back, by the %s', async (source) => {
    const api = shop()
    const before = { [EVICT]: 'true', note: 'x' }
    annotated(api, before)
    await contained(api)
    const entries = source === 'journal' ? api.journal : entriesFromAnnotation(suspect(api))
    expect((await createContainment(OPTIONS).undo(api.context, entries)).left).toEqual([])
    expect(suspect(api).metadata?.annotations).toEqual(before)
    expect(api.find('poddisruptionbudgets', BUDGET)).toBeUndefined()
  })

  it('leaves alone what was as it makes it, and keeps it at release', async () => {
    const api = shop()
    annotated(api, { [EVICT]: 'false', [DISRUPT]: 'true' })
    const plan = await contained(api)
    expect(actionNamed(plan, 'protect')?.changes).toHaveLength(1)
    await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(suspect(api).metadata?.annotations).toEqual({ [EVICT]: 'false', [DISRUPT]: 'true' })
  })

  it('leaves what others changed meanwhile, and names it', async () => {
    const api = shop()
    await contained(api)
    api.edit('pods', SUSPECT, ({ metadata }) => {
      metadata['annotations'] = { ...(metadata['annotations'] as object), [EVICT]: 'perhaps' }
    })
    api.edit('poddisruptionbudgets', BUDGET, (object) => (object['spec'] = { minAvailable: 0 }))
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual([
      `annotation ${EVICT} was changed by somebody else`,
      `PodDisruptionBudget shop/${BUDGET} was changed by somebody else`,
    ])
    expect(suspect(api).metadata?.annotations).toEqual({ [EVICT]: 'perhaps' })
  })

  it('names a PodDisruptionBudget that somebody deleted, and does not touch one of another', async () => {
    const api = shop()
    await contained(api)
    api.remove('poddisruptionbudgets', BUDGET)
    expect((await createContainment(OPTIONS).undo(api.context, api.journal)).left).toEqual([
      `PodDisruptionBudget shop/${BUDGET} is gone: somebody deleted it`,
    ])
    const other = shop()
    other.put('poddisruptionbudgets', {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: BUDGET, namespace: 'shop', uid: 'theirs' },
      spec: {},
    })
    await contained(other)
    await createContainment(OPTIONS).undo(other.context, other.journal)
    expect(other.find('poddisruptionbudgets', BUDGET)?.metadata.uid).toBe('theirs')
  })
})
