import type { LabResource, LabVersion } from './resource-kind.js'

/** What a server lets be done to a kind that is not said otherwise. */
export const VERBS: readonly string[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
]
/** Of kinds that no server, or none of before 1.23, deletes by the collection. */
const EACH = VERBS.filter((verb) => verb !== 'deletecollection')

/** A kind that the lab knows. */
export interface ResourceRow {
  readonly group: string
  /** One, or by profile those that are served, the preferred one first. */
  readonly version: string | Readonly<Record<LabVersion, readonly string[]>>
  readonly resource: string
  readonly kind: string
  readonly clusterWide?: true
  readonly shortNames?: readonly string[]
  readonly verbs?: readonly string[] | Readonly<Record<LabVersion, readonly string[]>>
  readonly generation?: true
  /** Whether its status is a subresource, which only its controllers write. */
  readonly status?: true
  readonly table?: string
  readonly subresources?: readonly (LabResource['subresources'][number] & { readonly only?: LabVersion })[]
}

/** Every kind that the lab knows, by group and name. */
export const RESOURCE_ROWS: readonly ResourceRow[] = [
  { group: '', version: 'v1', resource: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
  { group: '', version: 'v1', resource: 'endpoints', kind: 'Endpoints', shortNames: ['ep'] },
  { group: '', version: 'v1', resource: 'events', kind: 'Event', shortNames: ['ev'] },
  {
    group: '',
    version: 'v1',
    resource: 'namespaces',
    kind: 'Namespace',
    status: true,
    verbs: EACH,
    shortNames: ['ns'],
    clusterWide: true,
  },
  {
    group: '',
    version: 'v1',
    resource: 'nodes',
    kind: 'Node',
    status: true,
    shortNames: ['no'],
    clusterWide: true,
  },
  {
    group: '',
    version: 'v1',
    resource: 'persistentvolumeclaims',
    kind: 'PersistentVolumeClaim',
    status: true,
    shortNames: ['pvc'],
  },
  {
    group: '',
    version: 'v1',
    resource: 'persistentvolumes',
    kind: 'PersistentVolume',
    status: true,
    shortNames: ['pv'],
    clusterWide: true,
  },
  {
    group: '',
    version: 'v1',
    resource: 'pods',
    kind: 'Pod',
    status: true,
    shortNames: ['po'],
    subresources: [
      {
        name: 'ephemeralcontainers',
        kind: 'Pod',
        verbs: ['get', 'patch', 'update'],
        only: '1.36',
      },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'], only: '1.36' },
      {
        name: 'eviction',
        kind: 'Eviction',
        group: 'policy',
        version: 'v1beta1',
        verbs: ['create'],
        only: '1.20',
      },
      { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
    ],
  },
  {
    group: '',
    version: 'v1',
    resource: 'replicationcontrollers',
    kind: 'ReplicationController',
    status: true,
    shortNames: ['rc'],
    generation: true,
  },
  { group: '', version: 'v1', resource: 'secrets', kind: 'Secret' },
  { group: '', version: 'v1', resource: 'serviceaccounts', kind: 'ServiceAccount', shortNames: ['sa'] },
  {
    group: '',
    version: 'v1',
    resource: 'services',
    kind: 'Service',
    status: true,
    verbs: { '1.36': VERBS, '1.20': EACH },
    shortNames: ['svc'],
  },
  {
    group: 'admissionregistration.k8s.io',
    version: { '1.36': ['v1'], '1.20': [] },
    resource: 'validatingadmissionpolicies',
    kind: 'ValidatingAdmissionPolicy',
    status: true,
    clusterWide: true,
    generation: true,
  },
  {
    group: 'admissionregistration.k8s.io',
    version: { '1.36': ['v1'], '1.20': [] },
    resource: 'validatingadmissionpolicybindings',
    kind: 'ValidatingAdmissionPolicyBinding',
    clusterWide: true,
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'daemonsets',
    kind: 'DaemonSet',
    status: true,
    shortNames: ['ds'],
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'deployments',
    kind: 'Deployment',
    status: true,
    shortNames: ['deploy'],
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'replicasets',
    kind: 'ReplicaSet',
    status: true,
    shortNames: ['rs'],
    generation: true,
  },
  {
    group: 'apps',
    version: 'v1',
    resource: 'statefulsets',
    kind: 'StatefulSet',
    status: true,
    shortNames: ['sts'],
    generation: true,
  },
  {
    group: 'authentication.k8s.io',
    version: { '1.36': ['v1'], '1.20': [] },
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
    group: 'authorization.k8s.io',
    version: 'v1',
    resource: 'selfsubjectrulesreviews',
    kind: 'SelfSubjectRulesReview',
    clusterWide: true,
    verbs: ['create'],
  },
  {
    group: 'batch',
    version: { '1.36': ['v1'], '1.20': ['v1beta1'] },
    resource: 'cronjobs',
    kind: 'CronJob',
    status: true,
    shortNames: ['cj'],
    generation: true,
  },
  { group: 'batch', version: 'v1', resource: 'jobs', kind: 'Job', status: true, generation: true },
  {
    group: 'coordination.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'leases',
    kind: 'Lease',
  },
  {
    group: 'discovery.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1beta1'] },
    resource: 'endpointslices',
    kind: 'EndpointSlice',
    generation: true,
  },
  {
    group: 'events.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'events',
    kind: 'Event',
    shortNames: ['ev'],
    table: 'events',
  },
  {
    group: 'networking.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'ingresses',
    kind: 'Ingress',
    shortNames: ['ing'],
    generation: true,
    status: true,
  },
  {
    group: 'extensions',
    version: { '1.36': [], '1.20': ['v1beta1'] },
    resource: 'ingresses',
    kind: 'Ingress',
    shortNames: ['ing'],
    generation: true,
    status: true,
    table: 'ingresses.networking.k8s.io',
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
    version: { '1.36': ['v1'], '1.20': ['v1beta1'] },
    resource: 'poddisruptionbudgets',
    kind: 'PodDisruptionBudget',
    status: true,
    shortNames: ['pdb'],
    generation: true,
  },
  {
    group: 'rbac.authorization.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'clusterrolebindings',
    kind: 'ClusterRoleBinding',
    clusterWide: true,
  },
  {
    group: 'rbac.authorization.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'clusterroles',
    kind: 'ClusterRole',
    clusterWide: true,
  },
  {
    group: 'rbac.authorization.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'rolebindings',
    kind: 'RoleBinding',
  },
  {
    group: 'rbac.authorization.k8s.io',
    version: { '1.36': ['v1'], '1.20': ['v1', 'v1beta1'] },
    resource: 'roles',
    kind: 'Role',
  },
]
