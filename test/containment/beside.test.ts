import { describe, expect, it } from '@jest/globals'

import { createQuarantine } from '../../src/containment/quarantine.js'
import { planRelease } from '../../src/containment/release-plan.js'
import type { ActionOutcome, ContainmentAction } from '../../src/model/containment.js'
import { ImpoundError } from '../../src/model/errors.js'
import { EVENT_PATH, noted } from './noted-action.js'
import { complaints } from './schemas.js'
import { OPTIONS, shop, target } from './shop.js'

function steps(api: ReturnType<typeof shop>): readonly string[] {
  return api.journal.map(({ intent }) => `${intent.action} ${intent.step}`)
}

describe('actions beside the quarantine', () => {
  const actions = [noted('late', 'after-cut'), noted('first', 'before-cut'), noted('second', 'before-cut')]

  it('are applied by stage, in the order of the list, and undone in reverse, the lock last', async () => {
    const api = shop()
    const containment = createQuarantine(OPTIONS, actions)
    const plan = await containment.plan(api.context, target(api))
    expect(plan.actions.map(({ action, changes }) => [action, ...changes])).toEqual([
      ['first', '+ note of first'],
      ['second', '+ note of second'],
      ['late', '+ note of late'],
    ])
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(api.writes).toEqual([])
    const outcomes: ActionOutcome[] = []
    await containment.apply(api.context, plan, (outcome) => outcomes.push(outcome))
    expect(outcomes).toEqual([{ action: 'first' }, { action: 'second' }, { action: 'late' }])
    expect(steps(api)).toEqual([
      'quarantine lock',
      'quarantine policy',
      'first note',
      'second note',
      'quarantine label',
      'quarantine relabel',
      'late note',
    ])
    const [release] = await planRelease(api.context, api.journal, actions)
    expect(release?.actions.map(({ action }) => action)).toEqual(['second', 'first', 'late'])
    expect(complaints('release-plan', release)).toEqual([])
    const applied = api.journal.length
    const { done } = await containment.undo(api.context, api.journal)
    expect(steps(api).slice(applied)).toEqual([
      'late unnote',
      'quarantine restore-labels',
      'second unnote',
      'first unnote',
      'quarantine delete-policy',
      'quarantine unlock',
    ])
    expect(done).toContain('- note of first')
    expect(api.find('events', 'note-first')).toBeUndefined()
  })

  it('do not hold up the quarantine or each other where one fails', async () => {
    const api = shop()
    const containment = createQuarantine(OPTIONS, actions)
    const plan = await containment.plan(api.context, target(api))
    api.faults.set(3, { kind: 'refused', code: 'forbidden', status: 403 })
    const outcomes: ActionOutcome[] = []
    await containment.apply(api.context, plan, (outcome) => outcomes.push(outcome))
    expect(outcomes).toMatchObject([
      { action: 'first', error: { code: 'forbidden' } },
      { action: 'second' },
      { action: 'late' },
    ])
    expect((await containment.verify(api.context, plan)).open).toContain('the note of first is not there')
  })

  it('do nothing where the quarantine itself stops before them', async () => {
    const api = shop()
    const containment = createQuarantine(OPTIONS, actions)
    const plan = await containment.plan(api.context, target(api))
    api.faults.set(2, { kind: 'refused', code: 'forbidden', status: 403 })
    await expect(containment.apply(api.context, plan)).rejects.toMatchObject({ code: 'forbidden' })
    expect(steps(api)).toEqual(['quarantine lock', 'quarantine policy'])
  })

  it('refuse the run by their refusals and by rights that they can not do without', async () => {
    const api = shop()
    const needy: ContainmentAction = {
      ...noted('needy', 'before-cut'),
      plan: () =>
        Promise.resolve({
          action: 'needy',
          changes: [],
          warnings: [],
          refusals: [{ code: 'completed', message: 'no' }],
          missingAccess: [{ verb: 'patch', group: '', resource: 'nodes' }],
        }),
    }
    const plan = await createQuarantine(OPTIONS, [needy]).plan(api.context, target(api))
    expect(plan.refusals).toEqual([{ code: 'completed', message: 'no' }])
    expect(plan.missingAccess).toEqual([{ verb: 'patch', group: '', resource: 'nodes' }])
  })

  it('stop a release on the closed side where one can not be undone; the next one goes on', async () => {
    const api = shop()
    const containment = createQuarantine(OPTIONS, actions)
    await containment.apply(api.context, await containment.plan(api.context, target(api)))
    api.faults.set(api.journal.length + 3, { kind: 'refused', code: 'forbidden', status: 403 })
    await expect(containment.undo(api.context, api.journal)).rejects.toBeInstanceOf(ImpoundError)
    expect(steps(api).at(-1)).toBe('second unnote')
    await containment.undo(api.context, api.journal)
    expect(steps(api).slice(-4)).toEqual([
      'second unnote',
      'first unnote',
      'quarantine delete-policy',
      'quarantine unlock',
    ])
  })

  it('leave nothing behind: the objects are those of before', async () => {
    const api = shop()
    const names = [...api.objects.keys()].sort()
    const containment = createQuarantine(OPTIONS, actions)
    await containment.apply(api.context, await containment.plan(api.context, target(api)))
    expect([...api.objects.keys()].some((name) => name.startsWith(EVENT_PATH.resource))).toBe(true)
    await containment.undo(api.context, api.journal)
    const left = [...api.objects.keys()].sort()
    expect(left.filter((name) => !names.includes(name) && !name.startsWith('pods/'))).toEqual([])
  })
})
