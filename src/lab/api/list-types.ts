/** How a list takes a strategic merge: as a map by one field of its items, as a set of texts, or not at all. */
export type ListType = { readonly kind: 'map'; readonly key: string } | { readonly kind: 'set' } | undefined

const WORKLOADS = ['DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'ReplicationController', 'StatefulSet']

const CONTAINER_LISTS: Readonly<Record<string, string>> = {
  env: 'name',
  ports: 'containerPort',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
}

const POD_SPEC_LISTS: Readonly<Record<string, string>> = {
  containers: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  resourceClaims: 'name',
  schedulingGates: 'name',
  topologySpreadConstraints: 'topologyKey',
  volumes: 'name',
}

const OTHER_LISTS: Readonly<Record<string, string>> = {
  'Node status.addresses': 'type',
  'Pod status.podIPs': 'ip',
  'Service spec.ports': 'port',
  'ServiceAccount secrets': 'name',
}

/**
 * The type of the list at a path of field names. Those of tolerations, taints, subjects, rules and the like are atomic.
 * Source: patchStrategy and patchMergeKey of k8s.io/api's types.
 */
export function listType(kind: string, path: readonly string[]): ListType {
  const text = path.join('.')
  if (/(?:^|\.)metadata\.ownerReferences$/.test(text)) return { kind: 'map', key: 'uid' }
  if (/(?:^|\.)metadata\.finalizers$/.test(text)) return { kind: 'set' }
  if (text === 'status.conditions') return { kind: 'map', key: 'type' }
  if (kind === 'Node' && text === 'spec.podCIDRs') return { kind: 'set' }
  const other = OTHER_LISTS[`${kind} ${text}`]
  if (other !== undefined) return { kind: 'map', key: other }
  const inPodSpec = withoutPrefix(text, podSpecOf(kind))
  if (inPodSpec === undefined) return undefined
  const [, list = ''] = /^(?:containers|initContainers|ephemeralContainers)\.(\w+)$/.exec(inPodSpec) ?? []
  const key = POD_SPEC_LISTS[inPodSpec] ?? CONTAINER_LISTS[list]
  return key === undefined ? undefined : { kind: 'map', key }
}

function podSpecOf(kind: string): string | undefined {
  if (kind === 'Pod') return 'spec.'
  if (kind === 'CronJob') return 'spec.jobTemplate.spec.template.spec.'
  return WORKLOADS.includes(kind) ? 'spec.template.spec.' : undefined
}

function withoutPrefix(text: string, prefix: string | undefined): string | undefined {
  return prefix !== undefined && text.startsWith(prefix) ? text.slice(prefix.length) : undefined
}
