import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { createContainment } from '../../src/containment/index.js'
import { ImpoundError } from '../../src/model/errors.js'
import { allowedFlows, asObject, FLOWS, type Flow } from './api-semantics.js'
import { POD_LABELS, POLICY } from './arbitraries.js'
import { Crash, type Fault, type MemoryApi } from './memory-api.js'
import { OPTIONS, shop, SUSPECT, suspect, target } from './shop.js'

function open(api: MemoryApi): readonly Flow[] {
  const policies = [...api.objects.values()].filter(({ kind }) => kind === 'NetworkPolicy')
  return allowedFlows(policies, suspect(api).metadata?.labels ?? {}, FLOWS)
}

const FAULT = fc.constantFrom<Fault>(
  { kind: 'crash-before' },
  { kind: 'crash-after' },
  { kind: 'lost-before', code: 'unreachable' },
  { kind: 'lost-after', code: 'timeout' },
  { kind: 'refused', code: 'conflict', status: 409 },
  { kind: 'refused', code: 'conflict', status: 422 },
  { kind: 'refused', code: 'forbidden', status: 403 },
  { kind: 'refused', code: 'server', status: 500 },
)

const STEPS = fc.array(fc.constantFrom('quarantine', 'release', 'quarantine'), { minLength: 1, maxLength: 4 })

async function unlessStopped(step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step()
    return true
  } catch (error) {
    if (error instanceof Crash || error instanceof ImpoundError) return false
    throw error
  }
}

describe('a quarantine of any pod among any policies', () => {
  it('is at no moment more open than the start, whatever crashes, fails, resumes and is released', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(POLICY, { maxLength: 4 }),
        POD_LABELS,
        fc.boolean(),
        STEPS,
        fc.dictionary(fc.integer({ min: 1, max: 16 }).map(String), FAULT, { maxKeys: 3 }),
        async (specs, labels, patch, steps, faults) => {
          const api = shop()
          api.edit('pods', SUSPECT, ({ metadata }) => {
            metadata['labels'] = labels
            delete metadata['ownerReferences']
          })
          specs.forEach((spec, index) => api.put('networkpolicies', asObject(`p${index}`, spec)))
          const state = (): string =>
            JSON.stringify([
              Object.entries(suspect(api).metadata?.labels ?? {}).sort(),
              suspect(api).metadata?.annotations ?? {},
              specs.map((_spec, index) => api.find('networkpolicies', `p${index}`)?.['spec']),
            ])
          const start = new Set(open(api))
          const before = state()
          api.controllers = () => {
            const more = open(api).filter((flow) => !start.has(flow))
            expect(more).toEqual([])
          }
          api.faults = new Map(Object.entries(faults).map(([write, fault]) => [Number(write), fault]))
          const wanted = new Set(patch ? (['patch-residuals'] as const) : [])
          const containment = createContainment({ ...OPTIONS, wanted })
          const quarantine = async (): Promise<void> => {
            const plan = await containment.plan(api.context, target(api))
            await containment.apply(api.context, plan)
          }
          for (const step of steps) {
            await unlessStopped(
              step === 'release' ? () => containment.undo(api.context, api.journal) : quarantine,
            )
          }
          api.faults = new Map()
          const plan = await containment.plan(api.context, target(api))
          if (plan.refusals.length > 0) {
            expect(patch).toBe(false)
            expect(plan.refusals.map(({ code }) => code)).toEqual(plan.refusals.map(() => 'opens-more'))
            return
          }
          await quarantine()
          const residual = (await containment.plan(api.context, target(api))).policies.filter(
            (policy) => policy.residual,
          )
          if (patch) expect(open(api)).toEqual([])
          else expect(open(api).length > 0).toBe(residual.length > 0)
          await containment.undo(api.context, api.journal)
          expect(state()).toBe(before)
        },
      ),
      { numRuns: 150 },
    )
  }, 120_000)
})
