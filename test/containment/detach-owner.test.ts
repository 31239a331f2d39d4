import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation, planRelease } from '../../src/containment/index.js'
import type { ActionOutcome } from '../../src/model/containment.js'
import type { JsonObject } from '../../src/model/json.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import { Crash, type MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { actionNamed, LABELS, MARK, OPTIONS, pod, shop, SUSPECT, suspect, target, UID } from './shop.js'

const WANTED = { ...OPTIONS, wanted: new Set(['detach-owner'] as const) }
const KEY = 'impound.dev/detach-owner'
const WIDGET = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  name: 'w',
  uid: 'widget-1',
  controller: true,
  blockOwnerDeletion: true,
}

/** A pod of a controller that deletes what is its own and no longer carries its label. */
function widgets(): MemoryApi {
  const api = shop()
  api.served = [
    ...api.served,
    {
      group: 'example.com',
      version: 'v1',
      resource: 'widgets',
      kind: 'Widget',
      namespaced: true,
      verbs: [],
      preferred: true,
    },
  ]
  api.put('widgets', {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'shop', uid: 'widget-1' },
  })
  const metadata = pod(SUSPECT, UID)['metadata'] as JsonObject
  api.put('pods', pod(SUSPECT, UID, { metadata: { ...metadata, ownerReferences: [WIDGET] } }))
  api.controllers = (all) => {
    const { metadata: now } = suspect(all) as {
      metadata?: { labels?: JsonObject; ownerReferences?: unknown }
    }
    const owned = JSON.stringify(now?.ownerReferences ?? []).includes('widget-1')
    if (owned && now?.labels?.['app'] !== 'web') all.remove('pods', SUSPECT)
  }
  return api
}

async function contained(api: MemoryApi, options = WANTED): Promise<QuarantinePlan> {
  const containment = createContainment(options)
  const plan = await containment.plan(api.context, target(api))
  await containment.apply(api.context, plan)
  return plan
}

describe('a pod whose controller may delete what it no longer selects', () => {
  it('is deleted by it where nobody detached it', async () => {
    const api = widgets()
    await expect(contained(api, OPTIONS as typeof WANTED)).rejects.toMatchObject({ code: 'target-changed' })
  })

  it('outlives it detached, and has its owner and every byte of its labels back on release', async () => {
    const api = widgets()
    const plan = await contained(api)
    expect(actionNamed(plan, 'detach-owner')?.changes).toEqual([
      '- ownerReference Widget w of the pod',
      `~ annotation ${KEY}: the reference, for the release`,
    ])
    expect(complaints('quarantine-plan', plan)).toEqual([])
    expect(suspect(api).metadata?.ownerReferences ?? []).toEqual([])
    expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK })
    const verdict = await createContainment(WANTED).verify(api.context, plan)
    expect(verdict.tried).toContain('read back: the ownerReference is taken off')
    const [release] = await planRelease(api.context, api.journal, OPTIONS)
    expect(release?.actions).toContainEqual({
      action: 'detach-owner',
      undoes: ['+ ownerReference Widget w of the pod'],
    })
    expect(await createContainment(OPTIONS).undo(api.context, api.journal)).toMatchObject({ left: [] })
    expect(suspect(api).metadata).toMatchObject({ labels: LABELS, ownerReferences: [WIDGET] })
    expect(suspect(api).metadata?.annotations ?? {}).toEqual({})
  })

  it('has its owner back by its annotation too, where no journal is left', async () => {
    const api = widgets()
    await contained(api)
    await createContainment(OPTIONS).undo(api.context, entriesFromAnnotation(suspect(api)))
    expect(suspect(api).metadata).toMatchObject({ labels: LABELS, ownerReferences: [WIDGET] })
  })

  it('stays without it where the owner is gone, since the garbage collector would take the pod', async () => {
    const api = widgets()
    await contained(api)
    api.remove('widgets', 'w')
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left.join()).toContain(
      "ownerReference Widget w is not put back: its owner can't be seen (it is gone)",
    )
    expect(suspect(api).metadata?.ownerReferences ?? []).toEqual([])
    expect(suspect(api).metadata?.annotations?.[KEY]).toBeUndefined()
    expect(suspect(api).metadata?.labels).toEqual(LABELS)
  })

  it('stays with whoever controls it by then', async () => {
    const api = widgets()
    await contained(api)
    api.controllers = () => undefined
    const other = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      name: 'other',
      uid: 'widget-2',
      controller: true,
    }
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['ownerReferences'] = [other]))
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left).toContain('ownerReference Widget w is not put back: Widget other controls the pod now')
    expect(suspect(api).metadata?.ownerReferences).toEqual([other])
  })

  it('is released all the same where the server lets nobody name that owner', async () => {
    const api = widgets()
    await contained(api)
    api.faults.set(api.journal.length + 2, { kind: 'refused', code: 'forbidden', status: 403 })
    const { left } = await createContainment(OPTIONS).undo(api.context, api.journal)
    expect(left.join()).toContain('ownerReference Widget w is not put back')
    expect(suspect(api).metadata?.annotations?.[KEY]).toBeUndefined()
    expect(suspect(api).metadata?.labels).toEqual(LABELS)
  })

  it.each(
    [1, 2, 3, 4, 5, 6, 7].flatMap((write) =>
      ['crash-before', 'crash-after'].map((kind) => [write, kind] as const),
    ),
  )(
    'is the same after a fault at write %i (%s) and a second run, and after its release',
    async (write, kind) => {
      const api = widgets()
      api.faults.set(write, { kind: kind as 'crash-before' })
      await expect(contained(api)).rejects.toBeInstanceOf(Crash)
      const outcomes: ActionOutcome[] = []
      const containment = createContainment(WANTED)
      await containment.apply(api.context, await containment.plan(api.context, target(api)), (one) =>
        outcomes.push(one),
      )
      expect(outcomes.every(({ error }) => error === undefined)).toBe(true)
      expect(suspect(api).metadata?.ownerReferences ?? []).toEqual([])
      expect(suspect(api).metadata?.labels).toEqual({ 'impound.dev/quarantine': MARK })
      await createContainment(OPTIONS).undo(api.context, api.journal)
      expect(suspect(api).metadata).toMatchObject({ labels: LABELS, ownerReferences: [WIDGET] })
      expect(suspect(api).metadata?.annotations ?? {}).toEqual({})
    },
  )
})

describe('--detach-owner', () => {
  it('is not needed for a controller of Kubernetes itself, which the plan says', async () => {
    const api = shop()
    const plan = await contained(api)
    expect(actionNamed(plan, 'detach-owner')).toMatchObject({
      changes: [],
      warnings: ['--detach-owner is not needed: ReplicaSet web-6dd6 lets the pod go by its labels'],
    })
    expect(api.journal.map(({ intent }) => intent.action)).not.toContain('detach-owner')
  })

  it('has nothing to do with a pod that nothing controls, which the plan says', async () => {
    const api = shop()
    api.controllers = () => undefined
    api.edit('pods', SUSPECT, ({ metadata }) => delete metadata['ownerReferences'])
    expect(actionNamed(await contained(api), 'detach-owner')?.warnings).toEqual([
      '--detach-owner: nothing controls the pod',
    ])
  })
})
