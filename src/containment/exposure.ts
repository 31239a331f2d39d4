import { asArray, asString, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { ServedResource } from '../model/ports/kube-reader.js'

/** What no NetworkPolicy stops, for this pod; `open` says what becomes of connections that are open. */
export function wontStop(pod: Pod, open: string): readonly string[] {
  const node = pod.spec?.nodeName
  const account = pod.spec?.serviceAccountName
  const claims = volumes(pod).flatMap(
    (volume) => asString(at(volume, 'persistentVolumeClaim', 'claimName')) ?? [],
  )
  const host = volumes(pod).flatMap((volume) => asString(at(volume, 'hostPath', 'path')) ?? [])
  return [
    open,
    `traffic between the pod and its own node${node === undefined ? '' : ` ${node}`}`,
    `credentials taken from the pod and used elsewhere${account === undefined ? '' : `, the token of account ${account} among them`}`,
    'the processes in the pod: they go on running',
    ...(claims.length === 0 ? [] : [`what it writes to shared volumes: ${claims.join(', ')}`]),
    ...(host.length === 0 ? [] : [`what it does to the node through hostPath: ${host.join(', ')}`]),
  ]
}

/** How somebody inside the pod can tell. */
export function attackerSees(pod: Pod): readonly string[] {
  const shown = volumes(pod)
    .filter((volume) => showsMetadata(volume))
    .map((volume) => asString(at(volume, 'name')) ?? '')
  return [
    'connections that no longer come about',
    ...(shown.length === 0
      ? []
      : [`the labels and annotations of the pod, in its files: downward API volume ${shown.join(', ')}`]),
    'the label, the annotation and the NetworkPolicy, with a token that may read them',
  ]
}

/** Policies that other controllers enforce and that this version does not evaluate. */
const OTHER_POLICIES: readonly (readonly [group: string, resource: string, kind: string])[] = [
  ['cilium.io', 'ciliumnetworkpolicies', 'CiliumNetworkPolicy'],
  ['cilium.io', 'ciliumclusterwidenetworkpolicies', 'CiliumClusterwideNetworkPolicy'],
  ['projectcalico.org', 'networkpolicies', 'Calico NetworkPolicy'],
  ['projectcalico.org', 'globalnetworkpolicies', 'Calico GlobalNetworkPolicy'],
  ['crd.projectcalico.org', 'networkpolicies', 'Calico NetworkPolicy'],
  ['crd.projectcalico.org', 'globalnetworkpolicies', 'Calico GlobalNetworkPolicy'],
  ['crd.antrea.io', 'networkpolicies', 'Antrea NetworkPolicy'],
  ['crd.antrea.io', 'clusternetworkpolicies', 'Antrea ClusterNetworkPolicy'],
  ['policy.networking.k8s.io', 'adminnetworkpolicies', 'AdminNetworkPolicy'],
  ['policy.networking.k8s.io', 'baselineadminnetworkpolicies', 'BaselineAdminNetworkPolicy'],
  ['policy.networking.k8s.io', 'clusternetworkpolicies', 'ClusterNetworkPolicy'],
]

/** Kinds of policy that this cluster serves besides NetworkPolicy: what they allow is not known. */
export function otherPolicyKinds(resources: readonly ServedResource[]): readonly string[] {
  const kinds = OTHER_POLICIES.filter(([group, resource]) =>
    resources.some((served) => served.group === group && served.resource === resource),
  ).map(([, , kind]) => kind)
  return [...new Set(kinds)]
}

function showsMetadata(volume: unknown): boolean {
  const items = [
    ...asArray(at(volume, 'downwardAPI', 'items')),
    ...asArray(at(volume, 'projected', 'sources')).flatMap((source) =>
      asArray(at(source, 'downwardAPI', 'items')),
    ),
  ]
  return items.some((item) =>
    /^metadata\.(labels|annotations)/.test(asString(at(item, 'fieldRef', 'fieldPath')) ?? ''),
  )
}

function volumes(pod: Pod): readonly unknown[] {
  return asArray(at(pod, 'spec', 'volumes'))
}
