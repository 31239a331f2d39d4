/** Which Kubernetes the lab plays. */
export type LabVersion = '1.36' | '1.20'

export interface LabResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly singular: string
  readonly kind: string
  readonly namespaced: boolean
  readonly shortNames: readonly string[]
  readonly verbs: readonly string[]
  /** Whether the server counts spec changes in metadata.generation. */
  readonly generation: boolean
  /** The table of the store; two group versions may serve one. */
  readonly table: string
  readonly subresources: readonly {
    readonly name: string
    readonly kind: string
    readonly verbs: readonly string[]
  }[]
}

const READ = ['get', 'list', 'watch']
const ALL = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

interface Row {
  readonly group: string
  readonly version: string | Readonly<Record<LabVersion, string | undefined>>
  readonly resource: string
  readonly kind: string
  readonly clusterWide?: true
  readonly shortNames?: readonly string[]
  readonly verbs?: readonly string[]
  readonly generation?: true
  readonly table?: string
  readonly subresources?: LabResource['subresources']
}

const ROWS: readonly Row[] = [
  { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
  { group: '', version: 'v1', resource: 'endpoints', kind: 'Endpoints', shortNames: ['ep'] },
  { group: '', version: 'v1', resource: 'events', kind: 'Event', shortNames: ['ev'] },
  {
    group: '',
    version: 'v1',
    resource: 'namespaces',
    kind: 'Namespace',
    shortNames: ['ns'],
    clusterWide: true,
  },
  { group: '', version: 'v1', resource: 'nodes', kind: 'Node', shortNames: ['no'], clusterWide: true },
  {
    group: '',
    version: 'v1',
    resource: 'pods',
    kind: 'Pod',
    shortNames: ['po'],
    subresources: [
      { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
    ],
  },
  {
    group: '',
    version: 'v1',
    resource: 'replicationcontrollers',
    kind: 'ReplicationController',
    shortNames: ['rc'],
    generation: true,
  },
  { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' },
  { group: '', version: 'v1', resource: 'serviceaccounts', kind: 'ServiceAccount', shortNames: ['sa'] },
  { group: '', version: 'v1', resource: 'services', kind: 'Service', shortNames: ['svc'] },
  {
    group: 'apps',
    version: 'v1',
    resource: 'daemonsets',
    kind: 'DaemonSet',
    shortNames: ['ds'],
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    kind: 'Deployment',
    shortNames: ['deploy'],
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'replicasets',
    kind: 'ReplicaSet',
    shortNames: ['rs'],
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'statefulsets',
    kind: 'StatefulSet',
    shortNames: ['sts'],
    generation: true,
  },
  {
    group: 'authentication.k8s.io',
    version: { '1.36': 'v1', '1.20': undefined },
    resource: 'selfsubjectreviews',
    kind: 'SelfSubjectReview',
    clusterWide: true,
    verbs: ['create'],
  },
  {
    group: 'authorization.k8s.io',
    version: 'v1',
    resource: 'selfsubjectaccessreviews',
    kind: 'SelfSubjectAccessReview',
    clusterWide: true,
    verbs: ['create'],
  },
  {
    group: 'batch',
    version: { '1.36': 'v1', '1.20': 'v1beta1' },
    resource: 'cronjobs',
    kind: 'CronJob',
    shortNames: ['cj'],
    generation: true,
  },
  { group: 'batch', version: 'v1', resource: 'jobs', kind: 'Job', generation: true },
  { group: 'coordination.k8s.io', version: 'v1', resource: 'leases', kind: 'Lease' },
  {
    group: 'discovery.k8s.io',
    version: { '1.36': 'v1', '1.20': 'v1beta1' },
    resource: 'endpointslices',
    kind: 'EndpointSlice',
    verbs: READ,
    generation: true,
  },
  {
    group: 'events.k8s.io',
    version: 'v1',
    resource: 'events',
    kind: 'Event',
    shortNames: ['ev'],
    verbs: READ,
    table: 'events',
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    resource: 'ingresses',
    kind: 'Ingress',
    shortNames: ['ing'],
    generation: true,
  },
  {
    group: 'networking.k8s.io',
    version: 'v1',
    resource: 'networkpolicies',
    kind: 'NetworkPolicy',
    shortNames: ['netpol'],
    generation: true,
  },
  {
    group: 'policy',
    version: { '1.36': 'v1', '1.20': 'v1beta1' },
    resource: 'poddisruptionbudgets',
    kind: 'PodDisruptionBudget',
    shortNames: ['pdb'],
    generation: true,
  },
  {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    resource: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    clusterWide: true,
  },
  {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    resource: 'clusterroles',
    kind: 'ClusterRole',
    clusterWide: true,
  },
  { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'rolebindings', kind: 'RoleBinding' },
  { group: 'rbac.authorization.k8s.io', version: 'v1', resource: 'roles', kind: 'Role' },
]

/** What a server of this version serves, of what the lab knows. */
export function resourcesOf(profile: LabVersion): readonly LabResource[] {
  return ROWS.flatMap((row) => {
    const version = typeof row.version === 'string' ? row.version : row.version[profile]
    if (version === undefined) return []
    const { group, resource, kind } = row
    return [
      {
        group,
        version,
        resource,
        // filled in since 1.27
        singular: profile === '1.20' ? '' : kind.toLowerCase(),
        kind,
        namespaced: row.clusterWide === undefined,
        shortNames: row.shortNames ?? [],
        verbs: row.verbs ?? ALL,
        generation: row.generation ?? false,
        table: row.table ?? (group === '' ? resource : `${resource}.${group}`),
        subresources: row.subresources ?? [],
      },
    ]
  })
}
