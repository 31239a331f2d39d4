import { describe, expect, it } from '@jest/globals'

import { denyAllManifest, isOurDenyAll } from '../../src/containment/deny-all.js'
import type { NetworkPolicy } from '../../src/model/kubernetes.js'
import { UID } from './shop.js'

const SUSPECT = { namespace: 'shop', name: 'web', uid: UID }

function made(change: (policy: NetworkPolicy) => NetworkPolicy = (policy) => policy): NetworkPolicy {
  return change(denyAllManifest(SUSPECT, 'INC-42') as NetworkPolicy)
}

describe('the deny-all', () => {
  it.each(['INC-42', 'INC-42-', 'a.b_', 'x'])(
    'carries case %s as a label that the API server takes',
    (name) => {
      const { metadata } = denyAllManifest(SUSPECT, name) as NetworkPolicy
      expect(metadata?.labels?.['impound.dev/case']).toMatch(
        /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
      )
      expect(metadata?.annotations?.['impound.dev/case']).toBe(name)
    },
  )

  it('knows itself, also as the API server gives it back', () => {
    expect(isOurDenyAll(made(), SUSPECT, 'INC-42')).toBe(true)
    const stored = made(({ metadata, spec }) => ({
      metadata: { ...metadata, uid: 'x', resourceVersion: '1', labels: { ...metadata?.labels, team: 'x' } },
      spec: { ...spec, policyTypes: ['Egress', 'Ingress'], ingress: [], egress: [] },
    }))
    expect(isOurDenyAll(stored, SUSPECT, 'INC-42')).toBe(true)
  })

  it.each<[string, (policy: NetworkPolicy) => NetworkPolicy]>([
    ['another name', ({ metadata, spec }) => ({ metadata: { ...metadata, name: 'x' }, spec: spec ?? {} })],
    [
      'no annotations',
      ({ metadata, spec }) => ({ metadata: { ...metadata, annotations: {} }, spec: spec ?? {} }),
    ],
    [
      'a deletion under way',
      ({ metadata, spec }) => ({ metadata: { ...metadata, deletionTimestamp: 'now' }, spec: spec ?? {} }),
    ],
    ['a rule', ({ metadata, spec }) => ({ metadata: metadata ?? {}, spec: { ...spec, ingress: [{}] } })],
    [
      'one direction',
      ({ metadata, spec }) => ({ metadata: metadata ?? {}, spec: { ...spec, policyTypes: ['Ingress'] } }),
    ],
    [
      'no directions',
      ({ metadata, spec }) => ({ metadata: metadata ?? {}, spec: { ...spec, policyTypes: [] } }),
    ],
    [
      'a selector of everything',
      ({ metadata, spec }) => ({ metadata: metadata ?? {}, spec: { ...spec, podSelector: {} } }),
    ],
    ['no spec', ({ metadata }) => ({ metadata: metadata ?? {} })],
    [
      'one more requirement',
      ({ metadata, spec }) => ({
        metadata: metadata ?? {},
        spec: {
          ...spec,
          podSelector: { ...spec?.podSelector, matchExpressions: [{ key: 'app', operator: 'Exists' }] },
        },
      }),
    ],
  ])('does not take a policy with %s for itself', (_title, change) => {
    expect(isOurDenyAll(made(change), SUSPECT, 'INC-42')).toBe(false)
  })

  it('is another case’s, or another pod’s, by its annotations', () => {
    expect(isOurDenyAll(made(), SUSPECT, 'INC-43')).toBe(false)
    const namesake = { ...SUSPECT, uid: `${UID.slice(0, 8)}-0000-0000-0000-000000000000` }
    expect(isOurDenyAll(made(), namesake, 'INC-42')).toBe(false)
  })
})
