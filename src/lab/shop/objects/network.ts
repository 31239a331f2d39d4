import type { JsonObject } from '../../../model/json.js'

import { metadata } from './metadata.js'
import type { Moments } from '../moments.js'
import { kubeTime } from '../moments.js'
import { DB_POD, NODE_A, NODE_B, SHOP, SIBLING, SUSPECT, UID } from '../names.js'

/** Services with their endpoints, the Ingress, and the two policies. */
export function networkObjects(moments: Moments): readonly JsonObject[] {
  return [
    kubernetesService(moments),
    ...service('web', { name: 'http', port: 80, targetPort: 8080 }, '172.20.41.7', WEB_ENDPOINTS, moments, {
      service: UID.serviceWeb,
      endpoints: UID.endpointsWeb,
      slice: UID.sliceWeb,
      sliceName: 'web-7k2mq',
    }),
    ...service(
      'db',
      { name: 'postgres', port: 5432, targetPort: 5432 },
      '172.20.41.8',
      DB_ENDPOINTS,
      moments,
      {
        service: UID.serviceDb,
        endpoints: UID.endpointsDb,
        slice: UID.sliceDb,
        sliceName: 'db-p4zv9',
      },
    ),
    ingress(moments),
    allowWeb(moments),
    allowSameNamespace(moments),
  ]
}

const WEB_ENDPOINTS = [
  { pod: SUSPECT, node: NODE_A },
  { pod: SIBLING, node: NODE_B },
]
const DB_ENDPOINTS = [{ pod: DB_POD, node: NODE_A }]

function kubernetesService(moments: Moments): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata({
      name: 'kubernetes',
      namespace: 'default',
      uid: UID.serviceKubernetes,
      created: moments.clusterMade,
      labels: { component: 'apiserver', provider: 'kubernetes' },
    }),
    spec: {
      ...SERVICE_DEFAULTS,
      clusterIP: '172.20.0.1',
      clusterIPs: ['172.20.0.1'],
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
    status: { loadBalancer: {} },
  }
}

const SERVICE_DEFAULTS = {
  internalTrafficPolicy: 'Cluster',
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
  sessionAffinity: 'None',
  type: 'ClusterIP',
} as const

interface Backend {
  readonly pod: { readonly name: string; readonly uid: string; readonly ip: string }
  readonly node: { readonly name: string }
}

/** A Service, its Endpoints and its EndpointSlice, as the controllers leave them when every backend is ready. */
function service(
  name: string,
  port: { readonly name: string; readonly port: number; readonly targetPort: number },
  clusterIP: string,
  backends: readonly Backend[],
  moments: Moments,
  ids: {
    readonly service: string
    readonly endpoints: string
    readonly slice: string
    readonly sliceName: string
  },
): readonly JsonObject[] {
  const created = moments.deploymentMade
  const targetRef = ({ pod }: Backend): JsonObject => ({
    kind: 'Pod',
    name: pod.name,
    namespace: SHOP,
    uid: pod.uid,
  })
  const endpointPort = { name: port.name, port: port.targetPort, protocol: 'TCP' }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata({ name, namespace: SHOP, uid: ids.service, created, labels: { app: name } }),
      spec: {
        ...SERVICE_DEFAULTS,
        clusterIP,
        clusterIPs: [clusterIP],
        ports: [{ ...port, protocol: 'TCP' }],
        selector: { app: name },
      },
      status: { loadBalancer: {} },
    },
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: metadata({
        name,
        namespace: SHOP,
        uid: ids.endpoints,
        created,
        labels: { app: name, 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' },
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': kubeTime(moments.appRestarted) },
      }),
      subsets: [
        {
          addresses: backends.map((backend) => ({
            ip: backend.pod.ip,
            nodeName: backend.node.name,
            targetRef: targetRef(backend),
          })),
          ports: [endpointPort],
        },
      ],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: metadata({
        name: ids.sliceName,
        generateName: `${name}-`,
        namespace: SHOP,
        uid: ids.slice,
        generation: 4,
        created,
        labels: {
          app: name,
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          'kubernetes.io/service-name': name,
        },
        owner: { apiVersion: 'v1', kind: 'Service', name, uid: ids.service },
      }),
      addressType: 'IPv4',
      endpoints: backends.map((backend) => ({
        addresses: [backend.pod.ip],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: backend.node.name,
        targetRef: targetRef(backend),
      })),
      ports: [endpointPort],
    },
  ]
}

function ingress(moments: Moments): JsonObject {
  const path = {
    path: '/',
    pathType: 'Prefix',
    backend: { service: { name: 'web', port: { name: 'http' } } },
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: metadata({
      name: 'shop',
      namespace: SHOP,
      uid: UID.ingress,
      generation: 1,
      created: moments.deploymentMade,
    }),
    spec: {
      ingressClassName: 'nginx',
      rules: [{ host: 'shop.example', http: { paths: [path] } }],
      tls: [{ hosts: ['shop.example'], secretName: 'shop-example-tls' }],
    },
    status: { loadBalancer: { ingress: [{ ip: '198.51.100.20' }] } },
  }
}

/** Goes with the label that it selects by. */
function allowWeb(moments: Moments): JsonObject {
  return policy('allow-web', UID.policyAllowWeb, moments, {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ingress: [{ ports: [{ protocol: 'TCP', port: 8080 }] }],
  })
}

/** Selects every pod, whatever its labels: what it allows stays open beside a deny-all. */
function allowSameNamespace(moments: Moments): JsonObject {
  return policy('allow-same-namespace', UID.policySameNamespace, moments, {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: {} }] }],
    egress: [{ to: [{ podSelector: {} }] }],
  })
}

function policy(name: string, uid: string, moments: Moments, spec: JsonObject): JsonObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata({
      name,
      namespace: SHOP,
      uid,
      generation: 1,
      created: moments.deploymentMade,
      fieldOwners: [
        {
          manager: 'kubectl-create',
          apiVersion: 'networking.k8s.io/v1',
          at: moments.deploymentMade,
          fields: { spec },
        },
      ],
    }),
    spec,
  }
}
