import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import { EVERYTHING, LabHold, OWNERS, type Blow } from './lab-hold.js'

/** The writes of a whole quarantine and of its release, scripts on the node among them, in their order. */
const QUARANTINE = [
  'lock',
  'policy',
  'annotate',
  'create PodDisruptionBudget',
  'mark',
  'cordon',
  'exclude',
  'exclude',
  'detach',
  'label',
  'relabel',
  'mark',
  'detach',
  'mark',
  'drop-connections drop',
  'mark',
  'freeze freeze',
]
const RELEASE = [
  'freeze thaw',
  'unmark',
  'drop-connections restore',
  'unmark',
  'attach',
  'unmark',
  'restore-labels',
  'attach',
  'include',
  'include',
  'uncordon',
  'unmark',
  'unannotate',
  'delete PodDisruptionBudget',
  'delete-policy',
  'unlock',
]

const BLOWS: readonly (readonly [name: string, Blow])[] = [
  ['403', { kind: 'status', code: 403 }],
  ['409', { kind: 'status', code: 409 }],
  ['422', { kind: 'status', code: 422 }],
  ['500', { kind: 'status', code: 500 }],
  ['a connection that breaks before it takes effect', { kind: 'reset' }],
  ['an answer that is lost', { kind: 'answer-lost' }],
  ['a crash before it takes effect', { kind: 'crash', when: 'before' }],
  ['a crash before the answer', { kind: 'crash', when: 'after' }],
]

let hold: LabHold
let plan: QuarantinePlan
let free: Moment
let held: Moment

type Moment = ReturnType<LabHold['snapshot']> & { readonly state: string }

function moment(): Moment {
  return { ...hold.snapshot(), state: hold.state() }
}

beforeAll(async () => {
  hold = await LabHold.open()
  free = moment()
  plan = await hold.plan()
  expect(await hold.quarantine(EVERYTHING, plan)).toEqual({ failed: [] })
  held = moment()
})

afterAll(() => hold.close())

it('is whole: these are the writes', async () => {
  expect(hold.steps).toEqual(QUARANTINE)
  expect(hold.open()).toEqual([])
  expect(await hold.release()).toMatchObject({ left: [] })
  expect(hold.steps.slice(QUARANTINE.length)).toEqual(RELEASE)
  expect(hold.state()).toBe(free.state)
})

/** Strikes one write of a quarantine. */
async function struck(at: number, effect: Blow): Promise<void> {
  hold.restore(free)
  hold.blow = { at, effect }
  await hold.quarantine(EVERYTHING, plan)
  expect(hold.steps.length).toBeGreaterThan(at)
}

describe.each(QUARANTINE.map((step, at) => ({ step, at })))(
  'at write $at of a quarantine, $step,',
  ({ at }) => {
    it.each(BLOWS)('%s: the next run finishes it', async (_name, effect) => {
      await struck(at, effect)
      expect(await hold.quarantine()).toEqual({ failed: [] })
      expect(hold.state()).toBe(held.state)
      expect(await hold.release()).toMatchObject({ left: [] })
      expect(hold.state()).toBe(free.state)
    })

    // of what the server refuses, one stands for all: nothing was done, and the run stopped
    it.each(BLOWS.filter(([name]) => !['409', '422', '500'].includes(name)))(
      '%s: a release gives back all that was before',
      async (_name, effect) => {
        await struck(at, effect)
        expect(await hold.release()).toMatchObject({ left: [] })
        expect(hold.state()).toBe(free.state)
      },
    )

    it.each(BLOWS.slice(-3))('%s: a release by the annotation alone does too', async (_name, effect) => {
      await struck(at, effect)
      expect(await hold.release('annotation')).toMatchObject({ left: [] })
      expect(hold.state()).toBe(free.state)
    })
  },
)

describe.each(RELEASE.map((step, at) => ({ step, at })))(
  'at write $at of a release, $step,',
  ({ step, at }) => {
    it.each(BLOWS)('%s: the next release finishes it', async (name, effect) => {
      hold.restore(held)
      hold.blow = { at, effect }
      const first = await hold.release()
      expect(hold.steps.length).toBeGreaterThan(at)
      expect(await hold.release()).toMatchObject({ left: [] })
      if (step === 'attach' && 'left' in first && first.left.length > 0) {
        // who may not name an owner is told so, once and for all, and all else is given back
        expect(first.left).toEqual([
          expect.stringMatching(/^ownerReference ConfigMap controller is not put back/),
        ])
        expect(name).toBe('403')
        hold.edit('pods', 'web-1', ({ metadata }) => Object.assign(metadata, { ownerReferences: OWNERS }))
      }
      expect(hold.state()).toBe(free.state)
    })
  },
)
