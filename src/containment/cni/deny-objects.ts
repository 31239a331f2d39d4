import type { Suspect } from '../../model/containment.js'
import type { Json } from '../../model/json.js'
import type { NetworkPluginName } from '../../model/network-plugin.js'
import { QUARANTINE_KEY } from '../../model/quarantine-plan.js'
import { uid8 } from '../../model/target.js'
import { denyAllName } from '../deny-all.js'
import type { OwnObject } from '../own-object.js'

export const PLUGIN_DENY = 'plugin-deny'

/**
 * A kind of policy that denies before NetworkPolicies allow. The objects select the quarantine label alone, so they do nothing until the pod
 * carries it; they are cluster-wide, and the label's value is that of one pod.
 */
export interface DenyFamily {
  readonly family: 'cilium' | 'calico' | 'antrea' | 'cluster-network-policy' | 'admin-network-policy'
  /** What has to be served, all of it; the first version that is counts. */
  readonly group: string
  readonly versions: readonly string[]
  readonly resources: readonly string[]
  /** Plugins that are known to act on it. */
  readonly plugins: readonly NetworkPluginName[]
  /** Whether it denies all that a NetworkPolicy can allow, or only what comes from, or goes to, pods. */
  readonly denies: Readonly<Record<'ingress' | 'egress', 'everything' | 'pods'>>
  /** Whether others of the kind can come before it, by a number. */
  readonly ordered: { readonly resource: string; readonly field: string; readonly lowest: number } | undefined
  objects(suspect: Suspect, version: string, order: number): readonly OwnObject[]
}

const EVERYTHING = { ingress: 'everything', egress: 'everything' } as const

/** In the order in which they are wanted: what a plugin has of its own before what several share. */
export const FAMILIES: readonly DenyFamily[] = [
  {
    family: 'cilium',
    group: 'cilium.io',
    versions: ['v2'],
    resources: ['ciliumclusterwidenetworkpolicies'],
    plugins: ['cilium', 'gke-dataplane-v2'],
    denies: EVERYTHING,
    // a deny goes before every allow, whoever wrote it
    ordered: undefined,
    objects: (suspect, version) => [
      own(
        'CiliumClusterwideNetworkPolicy',
        'cilium.io',
        version,
        'ciliumclusterwidenetworkpolicies',
        suspect,
        {
          endpointSelector: { matchLabels: { [QUARANTINE_KEY]: uid8(suspect) } },
          // not host, all or kube-apiserver: the kubelet's probes come from there. One rule can't name entities and endpoints both
          ingressDeny: [
            { fromEntities: ['world', 'remote-node'] },
            {
              fromEndpoints: [
                { matchExpressions: [{ key: 'k8s:io.kubernetes.pod.namespace', operator: 'Exists' }] },
              ],
            },
          ],
          egressDeny: [{ toEntities: ['all'] }],
        },
      ),
    ],
  },
  {
    family: 'calico',
    // never crd.projectcalico.org, which is Calico's own store
    group: 'projectcalico.org',
    versions: ['v3'],
    resources: ['globalnetworkpolicies', 'tiers'],
    plugins: ['calico'],
    denies: EVERYTHING,
    ordered: { resource: 'tiers', field: 'order', lowest: 1 },
    objects: (suspect, version, order) => {
      const tier = denyAllName(suspect)
      return [
        own('Tier', 'projectcalico.org', version, 'tiers', suspect, { order, defaultAction: 'Pass' }),
        own(
          'GlobalNetworkPolicy',
          'projectcalico.org',
          version,
          'globalnetworkpolicies',
          suspect,
          {
            tier,
            order: 1,
            selector: `${QUARANTINE_KEY} == '${uid8(suspect)}'`,
            types: ['Ingress', 'Egress'],
            ingress: [{ action: 'Deny' }],
            egress: [{ action: 'Deny' }],
          },
          // of a policy in a tier the name has to begin with the tier's
          `${tier}.deny`,
        ),
      ]
    },
  },
  {
    family: 'antrea',
    group: 'crd.antrea.io',
    versions: ['v1beta1', 'v1alpha1'],
    resources: ['clusternetworkpolicies'],
    plugins: ['antrea'],
    denies: EVERYTHING,
    ordered: { resource: 'clusternetworkpolicies', field: 'priority', lowest: 1 },
    objects: (suspect, version, order) => [
      own('ClusterNetworkPolicy', 'crd.antrea.io', version, 'clusternetworkpolicies', suspect, {
        tier: 'emergency',
        priority: order,
        appliedTo: [{ podSelector: { matchLabels: { [QUARANTINE_KEY]: uid8(suspect) } } }],
        ingress: [{ name: 'deny-ingress', action: 'Drop' }],
        egress: [{ name: 'deny-egress', action: 'Drop' }],
      }),
    ],
  },
  {
    family: 'cluster-network-policy',
    group: 'policy.networking.k8s.io',
    versions: ['v1alpha2'],
    resources: ['clusternetworkpolicies'],
    // which plugin acts on this version, no sign of one says
    plugins: [],
    // ingress from outside of the cluster has no peer
    denies: { ingress: 'pods', egress: 'everything' },
    ordered: { resource: 'clusternetworkpolicies', field: 'priority', lowest: 0 },
    objects: (suspect, version, order) => [
      own('ClusterNetworkPolicy', 'policy.networking.k8s.io', version, 'clusternetworkpolicies', suspect, {
        tier: 'Admin',
        priority: order,
        subject: subject(suspect),
        ingress: [{ name: 'deny-ingress', action: 'Deny', from: [{ namespaces: {} }] }],
        egress: [
          {
            name: 'deny-egress',
            action: 'Deny',
            to: [{ namespaces: {} }, { networks: ['0.0.0.0/0', '::/0'] }],
          },
        ],
      }),
    ],
  },
  {
    family: 'admin-network-policy',
    group: 'policy.networking.k8s.io',
    versions: ['v1alpha1'],
    resources: ['adminnetworkpolicies'],
    plugins: ['ovn-kubernetes'],
    denies: { ingress: 'pods', egress: 'pods' },
    ordered: { resource: 'adminnetworkpolicies', field: 'priority', lowest: 0 },
    objects: (suspect, version, order) => [
      own('AdminNetworkPolicy', 'policy.networking.k8s.io', version, 'adminnetworkpolicies', suspect, {
        priority: order,
        subject: subject(suspect),
        ingress: [{ name: 'deny-ingress', action: 'Deny', from: [{ namespaces: {} }] }],
        egress: [{ name: 'deny-egress', action: 'Deny', to: [{ namespaces: {} }] }],
      }),
    ],
  },
]

/** Every namespace: the label's value is one pod's, and namespaces carry their name as a label since 1.21 only. */
function subject(suspect: Suspect): Json {
  return {
    pods: {
      namespaceSelector: {},
      podSelector: { matchLabels: { [QUARANTINE_KEY]: uid8(suspect) } },
    },
  }
}

function own(
  kind: string,
  group: string,
  version: string,
  resource: string,
  suspect: Suspect,
  spec: OwnObject['spec'],
  name = denyAllName(suspect),
): OwnObject {
  return { action: PLUGIN_DENY, kind, path: { group, version, resource, name }, spec }
}
