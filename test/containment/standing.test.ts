import { beforeEach, describe, expect, it } from '@jest/globals'

import { heldPods } from '../../src/containment/held-pods.js'
import { createQuarantine } from '../../src/containment/quarantine.js'
import type { HoldStatus } from '../../src/model/hold-status.js'
import type { NetworkPolicy, Pod } from '../../src/model/kubernetes.js'
import type { MemoryApi } from './memory-api.js'
import { MARK, OPTIONS, policy, shop, SUSPECT, suspect, target, UID } from './shop.js'

let api: MemoryApi

beforeEach(async () => {
  api = shop()
  const action = createQuarantine(OPTIONS, [])
  await action.apply(api.context, await action.plan(api.context, target(api)))
})

function objects(kind: string): readonly unknown[] {
  return [...api.objects.values()].filter((object) => object.kind === kind)
}

function look(known: { readonly record: boolean; readonly why?: string } = { record: true }): HoldStatus[] {
  return [
    ...heldPods(
      {
        pods: objects('Pod') as readonly Pod[],
        policies: () =>
          known.why === undefined
            ? (objects('NetworkPolicy') as readonly NetworkPolicy[])
            : { why: known.why },
        entries: known.record ? api.journal : [],
      },
      ['shop'],
    ),
  ]
}

function codes(holds = look()): readonly string[] {
  return holds.flatMap(({ faults }) => faults.map(({ code }) => code))
}

const DENY_ALL = `impound-${MARK}`
const ALLOW_ALL = { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] }

describe('a hold that nobody touched', () => {
  it('holds, and says what was read back', () => {
    expect(look()).toEqual([
      {
        namespace: 'shop',
        name: SUSPECT,
        uid: UID,
        case: 'INC-42',
        who: 'ana@corp',
        since: '2026-11-22T03:00:00.000Z',
        knownFrom: ['annotation', 'label', 'policy', 'state'],
        state: 'holds',
        stands: [
          'label impound.dev/quarantine is on the pod',
          'gone: app, app.kubernetes.io/instance, pod-template-hash, tier',
          `NetworkPolicy ${DENY_ALL} stands as written`,
          'no other NetworkPolicy of 0 lets it through',
          'no controller holds the pod',
          'the annotation is as it was written',
        ],
        faults: [],
        notSeen: [],
      },
    ])
  })

  it('is known without a record of this machine, which then can not say whether the annotation was edited', () => {
    const [hold] = look({ record: false })
    expect(hold).toMatchObject({
      case: 'INC-42',
      state: 'holds',
      knownFrom: ['annotation', 'label', 'policy'],
    })
    expect(hold?.notSeen.join()).toMatch(/whether the annotation was edited/)
  })

  it('is unknown, not whole, where the policies can not be read', () => {
    const [hold] = look({ record: true, why: 'forbidden' })
    expect(hold?.state).toBe('unknown')
    expect(hold?.notSeen).toEqual(["NetworkPolicies can't be read: forbidden"])
  })

  it('is gone with its release', async () => {
    await createQuarantine(OPTIONS, []).undo(api.context, api.journal)
    expect(look()).toEqual([])
  })
})

describe('a hold does not hold where', () => {
  it.each<readonly [string, () => unknown, readonly string[]]>([
    ['the label was taken off', () => edit((m) => delete labels(m)['impound.dev/quarantine']), ['no-label']],
    [
      'the label says another pod',
      () => edit((m) => (labels(m)['impound.dev/quarantine'] = 'x')),
      ['no-label'],
    ],
    ['a label came back', () => edit((m) => (labels(m)['tier'] = 'front')), ['labels-back']],
    [
      'a label came back with the label gone',
      () => edit((m) => (m['labels'] = { app: 'web' })),
      ['no-label', 'labels-back'],
    ],
    ['the policy was deleted', () => api.remove('networkpolicies', DENY_ALL), ['no-policy']],
    [
      'the policy was opened',
      () =>
        api.edit(
          'networkpolicies',
          DENY_ALL,
          (o) =>
            (o['spec'] = { ...ALLOW_ALL, podSelector: { matchLabels: { 'impound.dev/quarantine': MARK } } }),
        ),
      ['policy-changed'],
    ],
    [
      'another policy lets it through',
      () => api.put('networkpolicies', policy('open', ALLOW_ALL)),
      ['residual'],
    ],
    [
      'an owner holds it',
      () =>
        edit(
          (m) =>
            (m['ownerReferences'] = [
              { apiVersion: 'x/v1', kind: 'Fleet', name: 'f', uid: 'f', controller: true },
            ]),
        ),
      ['owner'],
    ],
    ['the annotation was taken off', () => edit((m) => (m['annotations'] = {})), ['no-annotation']],
    [
      'the annotation is no lock',
      () => edit((m) => (m['annotations'] = { 'impound.dev/quarantine': '{}' })),
      ['annotation-changed'],
    ],
    [
      'the annotation was edited',
      () => edit((m) => (m['annotations'] = { 'impound.dev/quarantine': lock().replace('ana@corp', 'eve') })),
      ['annotation-changed'],
    ],
    [
      'the annotation names another case',
      () =>
        edit((m) => (m['annotations'] = { 'impound.dev/quarantine': lock().replace('INC-42', 'INC-43') })),
      ['other-case'],
    ],
    [
      'the pod is being deleted',
      () => edit((m) => (m['deletionTimestamp'] = '2026-11-22T04:00:00Z')),
      ['pod-ended'],
    ],
    ['the pod is gone', () => api.remove('pods', SUSPECT), ['pod-gone']],
  ])('%s', (_what, change, expected) => {
    change()
    expect(codes()).toEqual(expected)
    expect(['does-not-hold', 'pod-gone']).toContain(look()[0]?.state)
  })

  it('its name belongs to another pod now', () => {
    api.remove('pods', SUSPECT)
    api.put('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: SUSPECT, namespace: 'shop', uid: 'new' },
    })
    const [hold] = look()
    expect(hold).toMatchObject({ state: 'pod-gone', uid: UID })
    expect(hold?.faults[0]?.message).toContain('belongs to another pod now (uid new)')
  })

  it('a run stopped between policy and label', () => {
    const begun = api.journal.filter(({ intent }) => ['lock', 'policy'].includes(intent.step))
    edit((m) => delete labels(m)['impound.dev/quarantine'])
    const [hold] = heldPods(
      {
        pods: objects('Pod') as readonly Pod[],
        policies: () => objects('NetworkPolicy') as readonly NetworkPolicy[],
        entries: begun,
      },
      ['shop'],
    )
    expect(hold?.faults[0]?.message).toContain('was never put on: the run stopped before')
  })
})

describe('a policy that lets through', () => {
  it.each([
    ['2026-11-22T02:59:59Z', 'before the hold'],
    ['2026-11-22T03:00:01Z', 'after the hold'],
  ])('and was created %s is said to be there %s', (creationTimestamp, words) => {
    const open = policy('open', ALLOW_ALL)
    api.put('networkpolicies', {
      ...open,
      metadata: { name: 'open', namespace: 'shop', uid: 'o', creationTimestamp },
    })
    expect(look()[0]?.faults[0]?.message).toContain(words)
  })
})

describe('what is left of a hold whose pod is gone', () => {
  it('is found by the policy alone, which names no pod', () => {
    api.remove('pods', SUSPECT)
    const [hold] = look({ record: false })
    expect(hold).toMatchObject({ uid: UID, case: 'INC-42', state: 'pod-gone', knownFrom: ['policy'] })
    expect(hold).not.toHaveProperty('name')
  })
})

function lock(): string {
  return suspect(api).metadata?.annotations?.['impound.dev/quarantine'] ?? ''
}

type Metadata = Record<string, unknown>

function edit(change: (metadata: Metadata) => unknown): void {
  api.edit('pods', SUSPECT, ({ metadata }) => void change(metadata))
}

function labels(metadata: Metadata): Record<string, string> {
  return metadata['labels'] as Record<string, string>
}
