import { VERBS } from './resource-rows.js'
import { type LabResource } from './resources.js'

/** A network plugin's own policies, as a cluster with it serves them. The lab stores them; nothing enforces them. */
export type LabPolicyApi = 'cilium' | 'calico' | 'antrea' | 'cluster-network-policy' | 'admin-network-policy'

type Row = readonly [version: string, resource: string, kind: string, scope: 'cluster' | 'namespace']

const ROWS: Readonly<Record<LabPolicyApi, { readonly group: string; readonly rows: readonly Row[] }>> = {
  cilium: {
    group: 'cilium.io',
    rows: [
      ['v2', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy', 'namespace'],
      ['v2', 'ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy', 'cluster'],
    ],
  },
  calico: {
    group: 'projectcalico.org',
    rows: [
      ['v3', 'tiers', 'Tier', 'cluster'],
      ['v3', 'globalnetworkpolicies', 'GlobalNetworkPolicy', 'cluster'],
      ['v3', 'networkpolicies', 'NetworkPolicy', 'namespace'],
    ],
  },
  antrea: {
    group: 'crd.antrea.io',
    rows: [
      ['v1beta1', 'clusternetworkpolicies', 'ClusterNetworkPolicy', 'cluster'],
      ['v1beta1', 'networkpolicies', 'NetworkPolicy', 'namespace'],
    ],
  },
  'cluster-network-policy': {
    group: 'policy.networking.k8s.io',
    rows: [['v1alpha2', 'clusternetworkpolicies', 'ClusterNetworkPolicy', 'cluster']],
  },
  'admin-network-policy': {
    group: 'policy.networking.k8s.io',
    rows: [['v1alpha1', 'adminnetworkpolicies', 'AdminNetworkPolicy', 'cluster']],
  },
}

export const LAB_POLICY_APIS: readonly string[] = Object.keys(ROWS)

export function isPolicyApi(name: string): name is LabPolicyApi {
  return Object.hasOwn(ROWS, name)
}

export function policyResources(apis: readonly LabPolicyApi[]): readonly LabResource[] {
  return apis.flatMap((api) => {
    const { group, rows } = ROWS[api]
    return rows.map(([version, resource, kind, scope]) => ({
      group,
      version,
      resource,
      singular: kind.toLowerCase(),
      kind,
      namespaced: scope === 'namespace',
      shortNames: [],
      verbs: VERBS,
      generation: true,
      table: `${resource}.${group}`,
      subresources: [],
    }))
  })
}
