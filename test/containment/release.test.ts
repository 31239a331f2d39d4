import { describe, expect, it } from '@jest/globals'

import { createContainment, entriesFromAnnotation, planRelease } from '../../src/containment/index.js'
import { PROTECTING } from '../../src/containment/protecting-annotations.js'
import type { JournalEntry, UndoReport } from '../../src/model/containment.js'
import type { JsonObject } from '../../src/model/json.js'
import type { ReleasePlan } from '../../src/model/release-plan.js'
import { Crash, type Fault, type MemoryApi } from './memory-api.js'
import { complaints } from './schemas.js'
import { LABELS, MARK, OPTIONS, pod, shop, SUSPECT, suspect, target } from './shop.js'

const POLICY = `impound-${MARK}`
const KEY = 'impound.dev/quarantine'

async function quarantined(api = shop(), options = OPTIONS): Promise<MemoryApi> {
  const action = createContainment(options)
  await action.apply(api.context, await action.plan(api.context, target(api)))
  return api
}

function release(api: MemoryApi, entries: readonly JournalEntry[] = [...api.journal]): Promise<UndoReport> {
  return createContainment(OPTIONS).undo(api.context, entries)
}

async function planned(api: MemoryApi, entries: readonly JournalEntry[] = api.journal): Promise<ReleasePlan> {
  const [plan] = await planRelease(api.context, entries, OPTIONS)
  expect(complaints('release-plan', plan)).toEqual([])
  return plan!
}

function expectFree(api: MemoryApi): void {
  expect(suspect(api).metadata?.labels).toEqual(LABELS)
  expect(suspect(api).metadata?.annotations).toBeUndefined()
  expect(api.find('networkpolicies', POLICY)).toBeUndefined()
}

describe('releasing a pod', () => {
  it('puts labels back before it takes the policy away, and the annotation last', async () => {
    const api = await quarantined()
    const report = await release(api)
    expectFree(api)
    expect(api.journal.slice(6).map(({ intent }) => intent.step)).toEqual([
      'restore-labels',
      'unannotate',
      'delete PodDisruptionBudget',
      'delete-policy',
      'unlock',
    ])
    expect(report).toEqual({
      done: [
        'labels put back: app, app.kubernetes.io/instance, pod-template-hash, tier',
        `label ${KEY} taken off`,
        `~ annotations as before: ${PROTECTING.map(([key]) => key).join(', ')}`,
        `- PodDisruptionBudget shop/${POLICY}`,
        `NetworkPolicy ${POLICY} taken away`,
        `annotation ${KEY} taken away`,
      ],
      left: [],
    })
  })

  it('does nothing for a journal without a quarantine', async () => {
    const api = shop()
    expect(await release(api, [])).toEqual({ done: [], left: [] })
    expect(api.writes).toEqual([])
  })

  it('leaves what others changed, and names it', async () => {
    const api = await quarantined()
    api.edit('pods', SUSPECT, ({ metadata }) => {
      metadata['labels'] = { ...(metadata['labels'] as object), app: 'other', extra: 'x' }
      metadata['annotations'] = { [KEY]: '{"edited":true}' }
    })
    api.edit('networkpolicies', POLICY, (object) => (object['spec'] = { podSelector: {}, ingress: [{}] }))
    const { left } = await release(api)
    expect(left).toEqual([
      'label app is "other" now, set by somebody else; it was "web"',
      ...PROTECTING.map(([key]) => `annotation ${key} is as it was before: somebody else took ours off`),
      `NetworkPolicy ${POLICY} was changed by somebody else`,
      `annotation ${KEY} was changed by somebody else`,
    ])
    expect(suspect(api).metadata?.labels).toEqual({ ...LABELS, app: 'other', extra: 'x' })
    expect(api.find('networkpolicies', POLICY)).toBeDefined()
  })

  it('does not delete a policy that somebody made anew, alike to the letter', async () => {
    const api = await quarantined()
    api.edit('networkpolicies', POLICY, ({ metadata }) => (metadata.uid = 'another'))
    expect((await release(api)).left).toEqual([
      `NetworkPolicy ${POLICY} is not the one that was created: somebody made it anew`,
    ])
    expect(api.find('networkpolicies', POLICY)).toBeDefined()
  })

  it('does not put back what somebody took off long after the release', async () => {
    const api = await quarantined()
    const archive = [...api.journal]
    await release(api)
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['labels'] = { app: 'web' }))
    const { left } = await release(api, archive)
    expect(suspect(api).metadata?.labels).toEqual({ app: 'web' })
    expect(left.join()).toMatch(
      /labels app.kubernetes.io\/instance, pod-template-hash, tier are missing.*not put back/,
    )
  })

  it('knows a second quarantine of the same pod, in the same journal, from the first', async () => {
    const api = await quarantined()
    await release(api)
    await quarantined(api, { ...OPTIONS, case: 'INC-43', keepLabels: ['tier'] })
    api.edit(
      'pods',
      SUSPECT,
      ({ metadata }) => (metadata['labels'] = { ...(metadata['labels'] as object), tier: 'changed' }),
    )
    const plan = await planned(api)
    expect(plan.case).toBe('INC-43')
    expect(Object.keys(plan.labels.restore)).not.toContain('tier')
    expect((await release(api)).left).toEqual([])
    expect(suspect(api).metadata?.labels).toEqual({ ...LABELS, tier: 'changed' })
  })

  it('takes the policy away where the pod is gone', async () => {
    const api = await quarantined()
    api.remove('pods', SUSPECT)
    const plan = await planned(api)
    expect(plan.podGone).toContain('is gone')
    const { done, left } = await release(api)
    expect(done).toEqual([`- PodDisruptionBudget shop/${POLICY}`, `NetworkPolicy ${POLICY} taken away`])
    expect(left.join()).toContain('no labels to put back')
  })

  it('does not touch another pod of the same name', async () => {
    const api = await quarantined()
    api.edit('pods', SUSPECT, ({ metadata }) => {
      metadata.uid = 'another'
      metadata['labels'] = { app: 'web' }
    })
    await release(api)
    expect(suspect(api).metadata?.labels).toEqual({ app: 'web' })
  })

  it('gives a foreign value of the quarantine label back', async () => {
    const api = shop()
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['labels'] = { ...LABELS, [KEY]: 'by-hand' }))
    await quarantined(api)
    expect(suspect(api).metadata?.labels).toEqual({ [KEY]: MARK })
    expect((await planned(api)).labels.quarantineLabel).toBe('reset')
    await release(api)
    expect(suspect(api).metadata?.labels).toEqual({ ...LABELS, [KEY]: 'by-hand' })
  })

  it('leaves the quarantine label that somebody had set to the very mark', async () => {
    const api = shop()
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['labels'] = { ...LABELS, [KEY]: MARK }))
    await quarantined(api)
    const fromAnnotation = entriesFromAnnotation(suspect(api))
    expect((await planned(api)).labels.quarantineLabel).toBe('leave')
    expect((await planned(api, fromAnnotation)).labels.quarantineLabel).toBe('leave')
    await release(api)
    expect(suspect(api).metadata?.labels).toEqual({ ...LABELS, [KEY]: MARK })
  })

  it('takes its own mark off where somebody took the annotation off and a second run wrote it anew', async () => {
    const api = await quarantined()
    api.edit('pods', SUSPECT, ({ metadata }) => delete metadata['annotations'])
    await quarantined(api)
    expect((await release(api)).left).toEqual([])
    expectFree(api)
  })

  it('puts back labels whose keys need escaping in a patch', async () => {
    const api = shop()
    const labels = { ...LABELS, 'a~1b/c~0': 'x', '~': 'y' }
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['labels'] = labels))
    await quarantined(api)
    expect(suspect(api).metadata?.labels).toEqual({ [KEY]: MARK })
    await release(api)
    expect(suspect(api).metadata?.labels).toEqual(labels)
  })

  const FAULTS: readonly (readonly [string, Fault])[] = [
    ['a crash before', { kind: 'crash-before' }],
    ['a crash after', { kind: 'crash-after' }],
    ['an answer lost before', { kind: 'lost-before', code: 'unreachable' }],
    ['an answer lost after', { kind: 'lost-after', code: 'timeout' }],
    ['a conflict', { kind: 'refused', code: 'conflict', status: 409 }],
    ['a refusal', { kind: 'refused', code: 'forbidden', status: 403 }],
  ]

  it.each(
    [7, 8, 9, 10, 11].flatMap((write) => FAULTS.map(([title, fault]) => [write - 6, title, fault] as const)),
  )('survives at its write %i %s: the next release finishes', async (write, _title, fault) => {
    const api = await quarantined()
    api.faults.set(write + 6, fault)
    const stops = fault.kind.startsWith('crash') || ('code' in fault && fault.code === 'forbidden')
    const first = release(api)
    if (stops) await expect(first).rejects.toBeInstanceOf(fault.kind === 'refused' ? Error : Crash)
    else expect((await first).left).toEqual([])
    await release(api)
    expectFree(api)
  })
})

describe('releasing by the annotation alone', () => {
  it('restores what the annotation says, marked as such', async () => {
    const api = await quarantined()
    const entries = entriesFromAnnotation(suspect(api))
    const plan = await planned(api, entries)
    expect(plan).toMatchObject({
      source: 'annotation',
      case: 'INC-42',
      labels: { restore: LABELS, quarantineLabel: 'remove' },
    })
    await release(api, entries)
    expectFree(api)
  })

  it.each(['', '{}', 'null', '[]', '{"case":1}'])('knows nothing from %j', (value) => {
    expect(entriesFromAnnotation({ metadata: { annotations: { [KEY]: value } } })).toEqual([])
  })

  it('finds nothing on a pod that is not held', () => {
    expect(entriesFromAnnotation(suspect(shop()))).toEqual([])
  })

  it('is marked too where a run on another machine did the rest', async () => {
    const api = shop()
    api.faults.set(4, { kind: 'crash-before' })
    await expect(quarantined(api)).rejects.toBeInstanceOf(Crash)
    const first = api.journal.length
    await quarantined(api)
    const plan = await planned(api, api.journal.slice(first))
    expect(plan.source).toBe('annotation')
    expect(plan.deletes).toEqual([`NetworkPolicy shop/${POLICY}`, `annotation ${KEY}`])
  })
})

describe('who dies on release', () => {
  function readiness(api: MemoryApi, name: string, ready: boolean, since = '2026-11-22T02:59:00Z'): void {
    api.edit('pods', name, (object) => {
      object['status'] = {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: since }],
      }
    })
  }

  it('is the replacement that is not running yet', async () => {
    const { adoption } = await planned(await quarantined())
    expect(adoption).toMatchObject({ suspectDies: false, dies: [{ why: 'not running yet' }] })
    expect(adoption.says).toMatch(
      /^ReplicaSet web-6dd6 adopts the pod again and then deletes, most likely, web-6dd6-r/,
    )
  })

  it('is the suspect where it is the one that is not ready, and that is said', async () => {
    const api = await quarantined()
    const replacement = [...api.objects.values()].find(({ metadata }) =>
      metadata.uid.startsWith('replacement'),
    )!
    readiness(api, replacement.metadata.name, true)
    readiness(api, SUSPECT, false)
    const { adoption } = await planned(api)
    expect(adoption).toMatchObject({ suspectDies: true, dies: [{ name: SUSPECT, why: 'not ready' }] })
    expect(adoption.says).toContain('the suspect itself')
  })

  it.each<[string, (api: MemoryApi) => void, RegExp]>([
    [
      'nobody, with room for it',
      (api) =>
        api.edit(
          'replicasets',
          'web-6dd6',
          (object) => (object['spec'] = { ...(object['spec'] as object), replicas: 3 }),
        ),
      /no pod dies/,
    ],
    ['nobody, with the owner gone', (api) => api.remove('replicasets', 'web-6dd6'), /it is gone/],
    [
      'nobody, with another owner of that name',
      (api) => api.edit('replicasets', 'web-6dd6', ({ metadata }) => (metadata.uid = 'x')),
      /another object now/,
    ],
    [
      'nobody, with a selector that asks for more',
      (api) =>
        api.edit(
          'replicasets',
          'web-6dd6',
          (object) => (object['spec'] = { replicas: 1, selector: { matchLabels: { new: 'y' } } }),
        ),
      /does not select the pod/,
    ],
    [
      'not known, where pods can not be listed',
      (api) => api.unreadable.set('replicasets', 'forbidden'),
      /is not known/,
    ],
  ])('is %s', async (_title, change, says) => {
    const api = await quarantined()
    change(api)
    const { adoption } = await planned(api)
    expect(adoption.dies).toEqual([])
    expect(adoption.says).toMatch(says)
  })

  it('is the suspect too where the owner was scaled to nothing', async () => {
    const api = await quarantined()
    api.edit(
      'replicasets',
      'web-6dd6',
      (object) => (object['spec'] = { ...(object['spec'] as object), replicas: 0 }),
    )
    expect((await planned(api)).adoption.suspectDies).toBe(true)
  })

  it.each<[string, string, boolean, RegExp]>([
    ['StatefulSet', 'statefulsets', false, /no pod dies/],
    ['DaemonSet', 'daemonsets', true, /keeps the oldest/],
    ['Job', 'jobs', true, /newer|one too many|ready for a shorter time/],
  ])('for a %s follows its own rule', async (kind, resource, someone, says) => {
    const api = shop()
    const apiVersion = kind === 'Job' ? 'batch/v1' : 'apps/v1'
    const owner = { apiVersion, kind, name: 'own', uid: 'own-1', controller: true }
    api.controllers = (it) => {
      const { labels } = suspect(it).metadata ?? {}
      if (labels?.['app'] === undefined)
        it.edit('pods', SUSPECT, ({ metadata }) => delete metadata['ownerReferences'])
    }
    api.put(resource, {
      apiVersion,
      kind,
      metadata: { name: 'own', namespace: 'shop', uid: 'own-1' },
      spec: { selector: { matchLabels: { app: 'web' } } },
    })
    for (const name of [SUSPECT, 'web-6dd6-b7b']) {
      api.edit('pods', name, ({ metadata }) => (metadata['ownerReferences'] = [owner]))
    }
    api.edit(
      'pods',
      'web-6dd6-b7b',
      ({ metadata }) => (metadata['creationTimestamp'] = '2026-11-22T02:00:00Z'),
    )
    readiness(api, 'web-6dd6-b7b', true, '2026-11-22T02:30:00Z')
    await quarantined(api)
    const { adoption } = await planned(api)
    expect(adoption.dies.map(({ name }) => name)).toEqual(someone ? ['web-6dd6-b7b'] : [])
    expect(adoption.says).toMatch(says)
  })

  it('knows the pod of a DaemonSet that is Pending, and on no node yet, by the node that it is made for', async () => {
    const api = shop()
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'own', uid: 'own-1', controller: true }
    api.controllers = () => undefined
    api.put('daemonsets', {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'own', namespace: 'shop', uid: 'own-1' },
      spec: { selector: { matchLabels: { app: 'web' } } },
    })
    api.edit('pods', SUSPECT, ({ metadata }) => (metadata['ownerReferences'] = [owner]))
    await quarantined(api)
    api.edit('pods', SUSPECT, ({ metadata }) => delete metadata['ownerReferences'])
    for (const [name, node] of [
      ['pending-here', 'node-a'],
      ['pending-there', 'node-b'],
    ] as const) {
      const field = { key: 'metadata.name', operator: 'In', values: [node] }
      const made = pod(name, name, {
        spec: {
          containers: [{ name: 'app' }],
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [field] }],
              },
            },
          },
        },
        status: { phase: 'Pending' },
      })
      const metadata = { ...(made['metadata'] as JsonObject), ownerReferences: [owner] }
      api.put('pods', { ...made, metadata: { ...metadata, creationTimestamp: '2026-11-22T02:00:00Z' } })
    }
    const { adoption } = await planned(api)
    expect(adoption.dies.map(({ name }) => name)).toEqual(['pending-here'])
  })
})
