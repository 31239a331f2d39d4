import fc from 'fast-check'

import type { LabelSelector, NetworkPolicy, NetworkPolicyRule } from '../../src/model/kubernetes.js'
import { someoneMeets } from './api-semantics.js'

const KEY = fc.constantFrom('a', 'b', 'impound.dev/quarantine')
const PEER_KEY = fc.constantFrom('a', 'b')
const VALUE = fc.constantFrom('1', '2')

function selector(key: fc.Arbitrary<string>): fc.Arbitrary<LabelSelector> {
  const expression = fc.oneof(
    fc.record({
      key,
      operator: fc.constantFrom('In', 'NotIn'),
      values: fc.uniqueArray(VALUE, { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  )
  return fc.record(
    {
      matchLabels: fc.dictionary(key, VALUE, { maxKeys: 1 }),
      // no server stores an empty list of them
      matchExpressions: fc.array(expression, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  )
}

/** One that some pod or namespace of the flows meets: else a rule lets nothing through that anybody could try. */
const MET = selector(PEER_KEY).filter(someoneMeets)

const PEER = fc.oneof(
  fc.record({ podSelector: MET }),
  fc.record({ namespaceSelector: MET }),
  fc.record({ namespaceSelector: MET, podSelector: MET }),
  fc.constantFrom(
    { ipBlock: { cidr: '0.0.0.0/0' } },
    { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.2.0/24'] } },
    { ipBlock: { cidr: '192.168.0.1/32' } },
  ),
)

const PORT = fc.constantFrom<NonNullable<NetworkPolicyRule['ports']>[number]>(
  { port: 80 },
  { port: 'web' },
  { port: 8080, endPort: 8090 },
  { protocol: 'UDP', port: 53 },
  { protocol: 'UDP' },
)

function rule(side: 'from' | 'to'): fc.Arbitrary<NetworkPolicyRule> {
  return fc.record(
    { [side]: fc.array(PEER, { maxLength: 2 }), ports: fc.array(PORT, { maxLength: 2 }) },
    { requiredKeys: [] },
  )
}

export const SELECTOR = selector(KEY)

/** Labels of a suspect; the quarantine label may be there by somebody's hand. */
export const POD_LABELS = fc.dictionary(KEY, VALUE, { maxKeys: 3 })

export const POLICY: fc.Arbitrary<NetworkPolicy['spec']> = fc.record(
  {
    podSelector: SELECTOR,
    policyTypes: fc.subarray(['Ingress', 'Egress']),
    ingress: fc.array(rule('from'), { maxLength: 2 }),
    egress: fc.array(rule('to'), { maxLength: 2 }),
  },
  { requiredKeys: ['podSelector'] },
)
