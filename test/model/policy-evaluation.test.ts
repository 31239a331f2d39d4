import { describe, expect, it } from '@jest/globals'

import type { NetworkPolicy } from '../../src/model/kubernetes.js'
import {
  comparePolicies,
  policyAllows,
  policySelects,
  policyTypesOf,
  policyUnknowns,
} from '../../src/model/policy-evaluation.js'

const POD = { app: 'web', tier: 'front' }

function policy(spec: NetworkPolicy['spec'], name = 'p'): NetworkPolicy {
  return { metadata: { name }, spec: spec ?? {} }
}

describe('policyTypesOf', () => {
  it.each<[string, NetworkPolicy['spec'], readonly string[]]>([
    ['says Ingress where nothing is said', {}, ['Ingress']],
    ['says Ingress where only ingress rules are given', { ingress: [{}] }, ['Ingress']],
    ['adds Egress where there are egress rules', { egress: [{}] }, ['Ingress', 'Egress']],
    ['does not add Egress for an empty list of rules', { egress: [] }, ['Ingress']],
    ['takes an empty list as nothing said', { policyTypes: [] }, ['Ingress']],
    ['follows what is said', { policyTypes: ['Egress'], ingress: [{}] }, ['Egress']],
  ])('%s', (_title, spec, expected) => {
    expect(policyTypesOf(policy(spec))).toEqual(expected)
  })
})

describe('policyAllows', () => {
  it.each<[string, NetworkPolicy['spec'], readonly string[]]>([
    ['is empty without rules', { policyTypes: ['Ingress', 'Egress'] }, []],
    ['is empty for empty lists', { policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] }, []],
    ['takes an empty rule as all', { ingress: [{}] }, ['ingress from anywhere']],
    ['takes an empty list of peers as all', { egress: [{ to: [] }] }, ['egress to anywhere']],
    ['leaves out rules of a direction that is not isolated', { policyTypes: ['Ingress'], egress: [{}] }, []],
    [
      'names pods and ports',
      {
        ingress: [
          {
            from: [{ podSelector: { matchLabels: { app: 'x' } } }],
            ports: [{ port: 80 }, { protocol: 'UDP', port: 'dns' }],
          },
        ],
      },
      ['ingress from pods app=x in this namespace on TCP/80, UDP/dns'],
    ],
    [
      'names namespaces, ranges, blocks and what they leave out',
      {
        policyTypes: ['Egress'],
        egress: [
          {
            to: [
              { namespaceSelector: {} },
              { namespaceSelector: { matchLabels: { team: 'a' } }, podSelector: {} },
              { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
            ],
            ports: [{ port: 8000, endPort: 8100 }, { protocol: 'SCTP' }],
          },
        ],
      },
      [
        'egress to all pods in all namespaces or all pods in namespaces team=a or 10.0.0.0/8 except 10.1.0.0/16 on TCP/8000-8100, every SCTP port',
      ],
    ],
    [
      'writes every operator as kubectl does',
      {
        ingress: [
          {
            from: [
              {
                podSelector: {
                  matchExpressions: [
                    { key: 'a', operator: 'In', values: ['1', '2'] },
                    { key: 'b', operator: 'NotIn', values: ['3'] },
                    { key: 'c', operator: 'Exists' },
                    { key: 'd', operator: 'DoesNotExist' },
                    { key: 'e', operator: 'Gt', values: ['5'] },
                  ],
                },
              },
            ],
          },
        ],
      },
      ['ingress from pods a in (1,2),b notin (3),c,!d,e Gt (5) in this namespace'],
    ],
    [
      'does not take a peer that it does not know for nobody',
      { ingress: [{ from: [{}] }] },
      ['ingress from a peer that this version does not know'],
    ],
  ])('%s', (_title, spec, expected) => {
    expect(policyAllows(policy(spec))).toEqual(expected)
  })

  it('stays short for a policy of ten thousand rules', () => {
    const lines = policyAllows(policy({ ingress: Array.from({ length: 10_000 }, () => ({})) }))
    expect(lines).toHaveLength(25)
    expect(lines.at(-1)).toBe('and 9976 more rules')
  })
})

describe('policySelects', () => {
  it.each<[string, NetworkPolicy['spec'], boolean]>([
    ['selects everything by an empty selector', { podSelector: {} }, true],
    ['selects everything where the selector is missing', {}, true],
    ['asks for every label', { podSelector: { matchLabels: { app: 'web', zone: 'a' } } }, false],
    [
      'selects by NotIn where the label is absent',
      { podSelector: { matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] } },
      true,
    ],
    [
      'does not select by DoesNotExist where it is present',
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } },
      false,
    ],
    [
      'may select by an operator that it does not know',
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'Matches', values: ['w.*'] }] } },
      true,
    ],
    [
      'still holds the requirements that it knows against it',
      {
        podSelector: {
          matchLabels: { app: 'other' },
          matchExpressions: [{ key: 'app', operator: 'Matches', values: ['w.*'] }],
        },
      },
      false,
    ],
  ])('%s', (_title, spec, expected) => {
    expect(policySelects(policy(spec), POD)).toBe(expected)
  })

  it('names the operators that it does not know', () => {
    const unknown = policy({ podSelector: { matchExpressions: [{ key: 'app', operator: 'Matches' }] } })
    expect(policyUnknowns(unknown)).toEqual(['Matches'])
  })
})

describe('comparePolicies', () => {
  it('tells what selects before and after, and what the deny-all does not override', () => {
    const policies = [
      policy({ podSelector: {}, ingress: [{}] }, 'zz-everything'),
      policy({ podSelector: { matchLabels: { app: 'web' } }, ingress: [{}] }, 'by-label'),
      policy({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }, 'default-deny'),
      policy({ podSelector: { matchLabels: { app: 'db' } }, ingress: [{}] }, 'other'),
    ]
    expect(comparePolicies(policies, POD, { mark: 'x' })).toEqual([
      {
        name: 'by-label',
        selectsNow: true,
        selectsAfter: false,
        residual: false,
        allows: ['ingress from anywhere'],
      },
      { name: 'default-deny', selectsNow: true, selectsAfter: true, residual: false, allows: [] },
      {
        name: 'zz-everything',
        selectsNow: true,
        selectsAfter: true,
        residual: true,
        allows: ['ingress from anywhere'],
      },
    ])
  })
})
