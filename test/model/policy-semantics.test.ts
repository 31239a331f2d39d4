import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import {
  comparePolicies,
  policyAllows,
  policySelects,
  policyTypesOf,
} from '../../src/model/policy-evaluation.js'
import { allowedFlows, FLOWS, matches } from '../containment/api-semantics.js'
import { POD_LABELS, POLICY, SELECTOR } from '../containment/arbitraries.js'

const DENY_ALL = { spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] } }

describe('our evaluation of NetworkPolicies and a brute-force one of what the API documents', () => {
  it('agree on which pods a policy selects', () => {
    fc.assert(
      fc.property(SELECTOR, POD_LABELS, (podSelector, labels) => {
        expect(policySelects({ spec: { podSelector } }, labels)).toBe(matches(podSelector, labels))
      }),
      { numRuns: 1000 },
    )
  })

  it('agree on which directions a policy isolates', () => {
    fc.assert(
      fc.property(POLICY, (spec) => {
        const everything = FLOWS.length / 2
        const rest = {
          podSelector: {},
          ...(spec?.policyTypes === undefined ? {} : { policyTypes: spec.policyTypes }),
        }
        // without its rules nothing gets through in a direction that it isolates
        const bare = {
          spec: {
            ...rest,
            ...(spec?.egress?.length ? { egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/32' } }] }] } : {}),
          },
        }
        const open = allowedFlows([bare], {}, FLOWS)
        const isolated = (['Ingress', 'Egress'] as const).filter(
          (direction) => open.filter((flow) => flow.direction === direction).length < everything,
        )
        expect(policyTypesOf({ spec: spec ?? {} })).toEqual(isolated)
      }),
      { numRuns: 500 },
    )
  })

  it('agree on what stays open beside a deny-all: a policy is residual if and only if some connection gets through it', () => {
    fc.assert(
      fc.property(POLICY, POD_LABELS, (spec, labels) => {
        const policy = { metadata: { name: 'p' }, spec: spec ?? {} }
        const open = allowedFlows([DENY_ALL, policy], labels, FLOWS)
        const residual = comparePolicies([policy], labels, labels).some((plan) => plan.residual)
        expect(residual).toBe(open.length > 0)
      }),
      { numRuns: 2000 },
    )
  })

  it('agree on the directions of what a policy allows', () => {
    fc.assert(
      fc.property(POLICY, (spec) => {
        const policy = { spec: { ...spec, podSelector: {} } }
        const open = new Set(allowedFlows([DENY_ALL, policy], {}, FLOWS).map(({ direction }) => direction))
        const said = policyAllows(policy)
        expect(said.some((line) => line.startsWith('ingress'))).toBe(open.has('Ingress'))
        expect(said.some((line) => line.startsWith('egress'))).toBe(open.has('Egress'))
      }),
      { numRuns: 1000 },
    )
  })
})
