import { BlockList, isIPv4 } from 'node:net'

import type { LabelSelector } from '../../model/kubernetes.js'
import { asArray, asNumber, asObject, asString, asStringMap, at, type JsonObject } from '../../model/json.js'
import { selectorMatches } from '../../model/selector.js'
import { labelsOf, namespaceOf, objectsIn } from '../store/object.js'
import type { Store } from '../store/store.js'

/** An end of a connection: a pod by its address, or what is outside of the pods' network. */
export interface Peer {
  readonly address: string
  readonly pod?: JsonObject
}

/** Whether NetworkPolicies let a TCP connection come about: those that select who begins it, and those that select who is reached. */
export function policiesAllow(store: Store, from: Peer, to: Peer, port: number): boolean {
  return (
    sideAllows(store, 'Egress', from, { peer: to, port, ports: to.pod }) &&
    sideAllows(store, 'Ingress', to, { peer: from, port, ports: to.pod })
  )
}

interface Attempt {
  readonly peer: Peer
  readonly port: number
  /** The pod whose ports have the names that a rule may use. */
  readonly ports: JsonObject | undefined
}

function sideAllows(store: Store, direction: 'Ingress' | 'Egress', { pod }: Peer, attempt: Attempt): boolean {
  if (pod === undefined || at(pod, 'spec', 'hostNetwork') === true) return true
  const isolating = store
    .list('networkpolicies.networking.k8s.io', namespaceOf(pod))
    .filter(
      (policy) =>
        directionsOf(policy).includes(direction) && matches(at(policy, 'spec', 'podSelector'), labelsOf(pod)),
    )
  const [rules, peers] = direction === 'Ingress' ? ['ingress', 'from'] : ['egress', 'to']
  return (
    isolating.length === 0 ||
    isolating.some((policy) =>
      objectsIn(at(policy, 'spec', rules)).some(
        (rule) =>
          anyOf(rule[peers], (one) => isPeer(store, namespaceOf(policy) ?? '', one, attempt.peer)) &&
          anyOf(rule.ports, (one) => isPort(one, attempt)),
      ),
    )
  )
}

/** Source: networking/v1, NetworkPolicySpec.policyTypes; the API server fills them in. */
function directionsOf(policy: JsonObject): readonly unknown[] {
  return asArray(at(policy, 'spec', 'policyTypes'))
}

/** Absent or empty means all. */
function anyOf(list: unknown, test: (one: JsonObject) => boolean): boolean {
  const all = objectsIn(list)
  return all.length === 0 || all.some(test)
}

function isPeer(store: Store, own: string, one: JsonObject, { address, pod }: Peer): boolean {
  const block = asObject(one.ipBlock)
  if (block !== undefined) {
    const isIn = (range: unknown): boolean => inRange(asString(range) ?? '', address)
    return isIn(block.cidr) && !asArray(block.except).some(isIn)
  }
  if (pod === undefined || at(pod, 'spec', 'hostNetwork') === true) return false
  const namespace = namespaceOf(pod) ?? ''
  const isThere =
    one.namespaceSelector === undefined
      ? namespace === own
      : matches(
          one.namespaceSelector,
          labelsOf(store.get('namespaces', { namespace: undefined, name: namespace }) ?? {}),
        )
  return isThere && (one.podSelector === undefined || matches(one.podSelector, labelsOf(pod)))
}

function isPort(one: JsonObject, { port, ports }: Attempt): boolean {
  if ((asString(one.protocol) ?? 'TCP') !== 'TCP') return false
  if (one.port === undefined) return true
  const name = asString(one.port)
  const first = name === undefined ? asNumber(one.port) : portNamed(ports, name)
  return first !== undefined && port >= first && port <= (asNumber(one.endPort) ?? first)
}

function portNamed(pod: JsonObject | undefined, name: string): number | undefined {
  const ports = objectsIn(at(pod, 'spec', 'containers')).flatMap((container) => objectsIn(container.ports))
  return asNumber(ports.find((port) => port.name === name)?.containerPort)
}

function inRange(cidr: string, address: string): boolean {
  const [network = '', bits = ''] = cidr.split('/')
  if (!isIPv4(network) || !isIPv4(address)) return false
  const range = new BlockList()
  range.addSubnet(network, Number(bits), 'ipv4')
  return range.check(address)
}

function matches(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const query = asObject(selector) ?? {}
  return selectorMatches({ ...(query as LabelSelector), matchLabels: asStringMap(query.matchLabels) }, labels)
}
