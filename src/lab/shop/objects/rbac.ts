import type { JsonObject } from '../../../model/json.js'

import { metadata } from './metadata.js'
import type { Moments } from '../moments.js'
import { SHOP } from '../names.js'

const GROUP = 'rbac.authorization.k8s.io'

/**
 * What the web pods' account may do: read its own Secret, and, since somebody debugged the shop by way of it and never took it back,
 * run commands in the namespace's pods, change NetworkPolicies and read every Secret there.
 */
export function rbacObjects(moments: Moments): readonly JsonObject[] {
  const at = moments.deploymentMade
  const account = { kind: 'ServiceAccount', name: 'web', namespace: SHOP }
  return [
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'Role',
      metadata: metadata({
        name: 'web-config',
        namespace: SHOP,
        uid: '3b9d04c7-81e5-4f62-a7d0-5c18e9f2b634',
        created: at,
      }),
      rules: [
        {
          apiGroups: [''],
          resources: ['configmaps'],
          resourceNames: ['web-config'],
          verbs: ['get', 'watch'],
        },
        { apiGroups: [''], resources: ['secrets'], resourceNames: ['web-session'], verbs: ['get'] },
      ],
    },
    binding('web-config', 'Role', 'web-config', 'c40a7e92-5d18-4b36-8fe1-270b9d63c5a8', account, at),
    binding('web-debug', 'ClusterRole', 'shop-support', '80f5d2b9-e647-4c03-91ab-d3f70e58c216', account, at),
    clusterRole(
      'shop-support',
      'f162c8a4-0b9e-4d75-8c37-9e4a15d06bf3',
      SUPPORT_RULES,
      {},
      {
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { 'shop.example/support': 'true' } }] },
      },
      moments,
    ),
    clusterRole(
      'shop-support-debug',
      '29ce7b50-f3d8-4a16-b985-06d1c7e4a82f',
      SUPPORT_RULES,
      { 'shop.example/support': 'true' },
      {},
      moments,
    ),
    clusterRole(
      'metrics-reader',
      'e7350d1f-6c82-4be9-a041-b8d29f5c073e',
      [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }],
      {},
      {},
      moments,
    ),
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: metadata({
        name: 'metrics-readers',
        uid: '5a8f16d3-2e97-4c40-bd6b-17c03e9a84f5',
        created: moments.clusterMade,
      }),
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'metrics-reader' },
      subjects: [{ apiGroup: GROUP, kind: 'Group', name: 'system:serviceaccounts' }],
    },
  ]
}

const SUPPORT_RULES: readonly JsonObject[] = [
  { apiGroups: [''], resources: ['pods', 'pods/log', 'secrets'], verbs: ['get', 'list'] },
  { apiGroups: [''], resources: ['pods/exec'], verbs: ['create'] },
  {
    apiGroups: ['networking.k8s.io'],
    resources: ['networkpolicies'],
    verbs: ['get', 'list', 'patch', 'delete'],
  },
]

function binding(
  name: string,
  kind: 'Role' | 'ClusterRole',
  role: string,
  uid: string,
  subject: JsonObject,
  created: Date,
): JsonObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'RoleBinding',
    metadata: metadata({ name, namespace: SHOP, uid, created }),
    roleRef: { apiGroup: GROUP, kind, name: role },
    subjects: [subject],
  }
}

function clusterRole(
  name: string,
  uid: string,
  rules: readonly JsonObject[],
  labels: Readonly<Record<string, string>>,
  more: JsonObject,
  moments: Moments,
): JsonObject {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRole',
    metadata: metadata({ name, uid, created: moments.clusterMade, labels }),
    ...more,
    rules,
  }
}
