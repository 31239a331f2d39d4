import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { keepSet, labelsAfter, type KeepRequest } from '../../src/containment/keep-set.js'
import type { LabelSelector, NetworkPolicy } from '../../src/model/kubernetes.js'
import { policyAllows, policySelects } from '../../src/model/policy-evaluation.js'

const QUARANTINE = { key: 'impound.dev/quarantine', value: '1f3a9c02' }
const ALLOW = { ingress: [{}] }

function request(change: Partial<KeepRequest>): KeepRequest {
  return {
    labels: { app: 'web', tier: 'front', 'pod-template-hash': '6dd6' },
    quarantine: QUARANTINE,
    policies: [],
    keepLabels: [],
    avoid: new Set(),
    ...change,
  }
}

function policy(
  name: string,
  podSelector: LabelSelector,
  rules: NetworkPolicy['spec'] = ALLOW,
): NetworkPolicy {
  return { metadata: { name }, spec: { podSelector, ...rules } }
}

function absent(...keys: readonly string[]): LabelSelector {
  return { matchExpressions: keys.map((key) => ({ key, operator: 'DoesNotExist' })) }
}

function keptKeys(change: Partial<KeepRequest>): readonly string[] {
  return keepSet(request(change)).keep.map(({ key }) => key)
}

describe('keepSet', () => {
  it('takes every label off where nothing speaks against it', () => {
    expect(keepSet(request({}))).toEqual({
      keep: [],
      remove: ['app', 'pod-template-hash', 'tier'],
      warnings: [],
    })
  })

  it('keeps what was asked for and what a platform reads, each with its reason', () => {
    const labels = { app: 'web', 'security.istio.io/tlsMode': 'istio', 'tags.datadoghq.com/env': 'prod' }
    const { keep, remove } = keepSet(request({ labels, keepLabels: ['app'] }))
    expect(keep.map(({ key }) => key)).toEqual(['app', 'security.istio.io/tlsMode', 'tags.datadoghq.com/env'])
    expect(keep[0]?.why).toBe('--keep-label')
    expect(keep[1]?.why).toContain('Istio')
    expect(remove).toEqual([])
  })

  it.each([
    'pod-template-hash',
    'controller-uid',
    'batch.kubernetes.io/job-name',
    'app.kubernetes.io/instance',
  ])('does not keep %s on request: by it the pod is held', (key) => {
    const { remove, warnings } = keepSet(request({ labels: { [key]: 'x' }, keepLabels: [key] }))
    expect(remove).toEqual([key])
    expect(warnings.join()).toContain(`--keep-label ${key} is not followed`)
  })

  it('says that a label to keep is not there', () => {
    expect(keepSet(request({ keepLabels: ['zone'] })).warnings).toEqual([
      '--keep-label zone: the pod has no such label',
    ])
  })

  it('keeps the label whose absence would let a policy select the pod, and names the policy', () => {
    const { keep } = keepSet(request({ policies: [policy('untiered', absent('tier'))] }))
    expect(keep).toEqual([
      {
        key: 'tier',
        why: 'without it NetworkPolicy untiered would select the pod: ingress from anywhere',
      },
    ])
  })

  it.each<[string, NetworkPolicy]>([
    ['allows nothing', policy('deny', absent('tier'), {})],
    ['selects the pod anyway', policy('all', {})],
    ['asks for a label that goes', policy('web', { matchLabels: { app: 'web' }, ...absent('tier') })],
    [
      'asks for another value',
      policy('x', { matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['b'] }] }),
    ],
  ])('keeps nothing for a policy that %s', (_title, each) => {
    expect(keptKeys({ policies: [each] })).toEqual([])
  })

  it('keeps one of two labels where one is enough, and not the one that a Service selects by', () => {
    const policies = [policy('p', absent('app', 'tier'))]
    expect(keptKeys({ policies })).toHaveLength(1)
    expect(keptKeys({ policies, avoid: new Set(['app']) })).toEqual(['tier'])
    expect(keptKeys({ policies, avoid: new Set(['tier']) })).toEqual(['app'])
  })

  it('keeps a second label where the first, kept for one policy, is what another policy asks for', () => {
    const policies = [
      policy('first', absent('app')),
      policy('second', { matchLabels: { app: 'web' }, ...absent('tier') }),
    ]
    expect(keptKeys({ policies })).toEqual(['app', 'tier'])
  })

  it('keeps even a label by which the pod is held where nothing else keeps a policy out, and says so', () => {
    const { keep, warnings } = keepSet(request({ policies: [policy('p', absent('pod-template-hash'))] }))
    expect(keep.map(({ key }) => key)).toEqual(['pod-template-hash'])
    expect(warnings.join()).toMatch(
      /pod-template-hash has to stay .*NetworkPolicy p .*ReplicaSet selects by it/,
    )
  })

  it('takes no policy for closed by a label that only looks like a property of every object', () => {
    expect(
      keptKeys({ labels: { app: 'web' }, policies: [policy('p', absent('constructor', 'app'))] }),
    ).toEqual(['app'])
  })

  const KEYS = ['app', 'tier', 'zone', 'pod-template-hash', 'istio.io/rev', QUARANTINE.key]
  const key = fc.constantFrom(...KEYS)
  const value = fc.constantFrom('a', 'b')
  const labels = fc.dictionary(fc.constantFrom(...KEYS.slice(0, -1)), value)
  const expression = fc.oneof(
    fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
    fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(value, { minLength: 1 }) }),
    fc.record({ key, operator: fc.constant('Matches'), values: fc.constant(['a']) }),
  )
  const policies = fc.array(
    fc
      .record({
        matchLabels: fc.dictionary(key, value, { maxKeys: 2 }),
        matchExpressions: fc.array(expression, { maxLength: 4 }),
      })
      .chain((selector) => fc.constantFrom(policy('p', selector), policy('deny', selector, {}))),
    { maxLength: 8 },
  )

  it('never lets a policy select that allows something and did not select before (any labels, any policies)', () => {
    fc.assert(
      fc.property(
        labels,
        policies,
        fc.subarray(KEYS),
        fc.subarray(KEYS),
        (before, all, keepLabels, fixed) => {
          const result = keepSet(
            request({
              labels: before,
              policies: all,
              keepLabels,
              untouched: new Set(fixed),
              avoid: new Set(['app']),
            }),
          )
          const marked = { ...before, [QUARANTINE.key]: QUARANTINE.value }
          const after = labelsAfter(
            before,
            QUARANTINE,
            result.keep.map(({ key: kept }) => kept),
          )
          const selecting = (state: Readonly<Record<string, string>>): readonly NetworkPolicy[] =>
            all.filter((each) => policyAllows(each).length > 0 && policySelects(each, state))
          expect(selecting(marked)).toEqual(expect.arrayContaining([...selecting(after)]))
          // a policy that does not know our label sees no difference when it is put on
          const unaware = selecting(marked).filter(
            (each) => !JSON.stringify(each.spec).includes(QUARANTINE.key),
          )
          expect(selecting(before)).toEqual(expect.arrayContaining([...unaware]))
          expect([...result.remove, ...result.keep.map(({ key: kept }) => kept)].sort()).toEqual(
            Object.keys(before).sort(),
          )
          for (const each of fixed) expect(result.remove).not.toContain(each)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('keeps no label for a policy that can go without it (any labels, any policies)', () => {
    fc.assert(
      fc.property(labels, policies, (before, all) => {
        const { keep } = keepSet(request({ labels: before, policies: all }))
        const keys = keep.map(({ key: kept }) => kept)
        const marked = { ...before, [QUARANTINE.key]: QUARANTINE.value }
        for (const { key: each } of keep.filter((kept) => kept.why.startsWith('without it'))) {
          const less = labelsAfter(
            before,
            QUARANTINE,
            keys.filter((other) => other !== each),
          )
          const opened = all.filter(
            (one) => policyAllows(one).length > 0 && policySelects(one, less) && !policySelects(one, marked),
          )
          expect(opened.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
