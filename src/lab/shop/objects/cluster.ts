import type { JsonObject } from '../../../model/json.js'

import { metadata } from './metadata.js'
import type { Moments } from '../moments.js'
import { kubeTime, later, microTime } from '../moments.js'
import { NODE_A, NODE_B, SHOP, UID } from '../names.js'

/** The version that the shop's kubelets say. */
const KUBELET_VERSION = 'v1.36.1'

/** Namespaces, nodes and their Leases: what stands before anybody deploys. */
export function clusterObjects(moments: Moments): readonly JsonObject[] {
  return [
    namespace('kube-system', UID.kubeSystem, moments.clusterMade),
    namespace('kube-node-lease', '2b8e61d7-c0f4-4a39-9d15-e7a3f08b6c42', moments.clusterMade),
    namespace('default', UID.default, moments.clusterMade),
    namespace(SHOP, UID.shop, moments.shopMade, POD_SECURITY),
    node(NODE_A, moments),
    node(NODE_B, moments),
    lease(NODE_A, 'c95a0e71-48d3-4f2b-b6e8-10d7f39a5c84', moments, 3),
    lease(NODE_B, '6ef2b483-d51c-4907-8a3e-94c0b7e15fd6', moments, 7),
    serviceAccount('default', 'default', '17c4a9f0-b3e6-4d58-92f1-a60e8d5b7c23', moments.clusterMade),
    serviceAccount(SHOP, 'default', UID.serviceAccountDefault, moments.shopMade),
    {
      ...serviceAccount(SHOP, 'web', UID.serviceAccountWeb, moments.shopMade, {
        'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/shop-web',
      }),
      imagePullSecrets: [{ name: 'shop-registry' }],
    },
  ]
}

const POD_SECURITY = {
  'pod-security.kubernetes.io/enforce': 'baseline',
  'pod-security.kubernetes.io/enforce-version': 'latest',
  'pod-security.kubernetes.io/warn': 'restricted',
}

function namespace(
  name: string,
  uid: string,
  created: Date,
  labels: Readonly<Record<string, string>> = {},
): JsonObject {
  const own = { 'kubernetes.io/metadata.name': name, ...labels }
  const fieldOwners = [
    { manager: 'kubectl-create', apiVersion: 'v1', at: created, fields: { metadata: { labels: own } } },
  ]
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: metadata({ name, uid, created, labels: own, fieldOwners }),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }
}

function serviceAccount(
  namespace: string,
  name: string,
  uid: string,
  created: Date,
  annotations?: Readonly<Record<string, string>>,
): JsonObject {
  const given = annotations === undefined ? {} : { annotations }
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata({ name, namespace, uid, created, ...given }),
  }
}

type NodeName = typeof NODE_A | typeof NODE_B

function node({ name, ip, podRange, uid }: NodeName, moments: Moments): JsonObject {
  const heartbeat = kubeTime(later(moments.now, -140))
  const condition = (type: string, status: string, reason: string, message: string): JsonObject => ({
    type,
    status,
    lastHeartbeatTime: heartbeat,
    lastTransitionTime: kubeTime(later(moments.clusterMade, 340)),
    reason,
    message,
  })
  const labels = {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'm6i.large',
    'topology.kubernetes.io/region': 'eu-central-1',
    'topology.kubernetes.io/zone': 'eu-central-1a',
  }
  const amount = { cpu: '2', 'ephemeral-storage': '83873772Ki', memory: '7894508Ki', pods: '29' }
  const status = {
    addresses: [
      { type: 'InternalIP', address: ip },
      { type: 'Hostname', address: name },
    ],
    allocatable: amount,
    capacity: amount,
    conditions: [
      condition(
        'MemoryPressure',
        'False',
        'KubeletHasSufficientMemory',
        'kubelet has sufficient memory available',
      ),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: 'amd64',
      bootID: `${uid.slice(0, 8)}-7d14-4e0b-a1f6-5c29b0e8d373`,
      containerRuntimeVersion: 'containerd://2.1.4',
      kernelVersion: '6.12.40-63.114.shop.x86_64',
      kubeProxyVersion: '',
      kubeletVersion: KUBELET_VERSION,
      machineID: `ec2${uid.replaceAll('-', '').slice(3)}`,
      operatingSystem: 'linux',
      osImage: 'Shop Node Linux 2026.3',
      systemUUID: `ec2${uid.slice(3)}`,
    },
  }
  const fieldOwners = [
    { manager: 'kubelet', apiVersion: 'v1', at: moments.clusterMade, fields: { metadata: { labels } } },
    {
      manager: 'kubelet',
      apiVersion: 'v1',
      at: later(moments.now, -140),
      fields: { status: { conditions: status.conditions } },
      subresource: 'status' as const,
    },
  ]
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: metadata({ name, uid, created: moments.clusterMade, labels, fieldOwners }),
    spec: {
      podCIDR: podRange,
      podCIDRs: [podRange],
      providerID: `aws:///eu-central-1a/i-0${uid.replaceAll('-', '').slice(0, 16)}`,
    },
    status,
  }
}

/** A node's heartbeat, by the node's own clock. */
function lease({ name, uid: nodeUid }: NodeName, uid: string, moments: Moments, ago: number): JsonObject {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...metadata({ name, namespace: 'kube-node-lease', uid, created: moments.clusterMade }),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: nodeUid }],
    },
    spec: {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: microTime(later(moments.now, -ago), 418),
    },
  }
}
