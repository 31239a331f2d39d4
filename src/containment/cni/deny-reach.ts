import type { NetworkPolicy, NetworkPolicyPeer } from '../../model/kubernetes.js'
import { policyTypesOf } from '../../model/policy-evaluation.js'
import type { DenyFamily } from './deny-objects.js'

/** Whether all that a NetworkPolicy allows is among what such a deny denies. */
export function deniedByFamily(policy: NetworkPolicy, { denies }: DenyFamily): boolean {
  const types = policyTypesOf(policy)
  const { ingress = [], egress = [] } = policy.spec ?? {}
  return (
    (!types.includes('Ingress') ||
      denies.ingress === 'everything' ||
      ingress.every(({ from }) => onlyPods(from))) &&
    (!types.includes('Egress') || denies.egress === 'everything' || egress.every(({ to }) => onlyPods(to)))
  )
}

/** A rule without peers means everybody, pods and the rest of the world. */
function onlyPods(peers: readonly NetworkPolicyPeer[] | undefined): boolean {
  return (
    peers !== undefined &&
    peers.length > 0 &&
    peers.every(
      ({ ipBlock, podSelector, namespaceSelector }) =>
        ipBlock === undefined && (podSelector !== undefined || namespaceSelector !== undefined),
    )
  )
}
