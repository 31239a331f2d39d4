import type { JsonObject } from '../../../model/json.js'
import { asObject, asStringMap, at } from '../../../model/json.js'

import { withTemplateDefaults } from './defaults.js'
import { DB_REPOSITORY, DB_TAG } from '../images/db.js'
import { lastApplied, metadata } from './metadata.js'
import type { Moments } from '../moments.js'
import { kubeTime, later } from '../moments.js'
import { DB_HASH, SHOP, UID, WEB_HASH } from '../names.js'
import { webTemplate } from './web-template.js'

/** A Deployment, the ReplicaSet of its running rollout, and the template that both share. */
export interface Workload {
  readonly name: string
  readonly hash: string
  readonly replicas: number
  readonly labels: Readonly<Record<string, string>>
  /** As its author wrote it. */
  readonly template: JsonObject
  readonly revision: number
  readonly deploymentUid: string
  readonly replicaSetUid: string
}

export function webWorkload(registryHost: string): Workload {
  return {
    name: 'web',
    hash: WEB_HASH,
    replicas: 2,
    labels: { app: 'web' },
    template: webTemplate(registryHost),
    revision: 3,
    deploymentUid: UID.deploymentWeb,
    replicaSetUid: UID.replicaSetWeb,
  }
}

export function dbWorkload(registryHost: string): Workload {
  return {
    name: 'db',
    hash: DB_HASH,
    replicas: 1,
    labels: { app: 'db' },
    template: {
      metadata: { labels: { app: 'db' } },
      spec: {
        containers: [
          {
            name: 'postgres',
            image: `${registryHost}/${DB_REPOSITORY}:${DB_TAG}`,
            ports: [{ name: 'postgres', containerPort: 5432, protocol: 'TCP' }],
            resources: { requests: { cpu: '100m', memory: '256Mi' } },
            volumeMounts: [{ name: 'data', mountPath: '/var/lib/postgresql/data' }],
          },
        ],
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    },
    revision: 1,
    deploymentUid: UID.deploymentDb,
    replicaSetUid: UID.replicaSetDb,
  }
}

/** The template of a workload's pods: defaults filled in, the ReplicaSet's hash among the labels. */
export function podTemplate(workload: Workload): JsonObject {
  return { ...withTemplateDefaults(workload.template), metadata: { labels: podLabels(workload) } }
}

export function podLabels(workload: Workload): Readonly<Record<string, string>> {
  return {
    ...asStringMap(at(workload.template, 'metadata', 'labels')),
    'pod-template-hash': workload.hash,
  }
}

export function workloadObjects(workload: Workload, moments: Moments): readonly JsonObject[] {
  return [deployment(workload, moments), replicaSet(workload, moments)]
}

function deployment(workload: Workload, moments: Moments): JsonObject {
  const { name, replicas, labels, revision } = workload
  const authored: JsonObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { annotations: {}, labels, name, namespace: SHOP },
    spec: { replicas, selector: { matchLabels: labels }, template: workload.template },
  }
  const since = kubeTime(later(moments.rolledOut, 40))
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: 'True',
    lastUpdateTime: since,
    lastTransitionTime: since,
    reason,
    message,
  })
  const status = {
    observedGeneration: revision,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
    conditions: [
      condition('Available', 'MinimumReplicasAvailable', 'Deployment has minimum availability.'),
      condition(
        'Progressing',
        'NewReplicaSetAvailable',
        `ReplicaSet "${name}-${workload.hash}" has successfully progressed.`,
      ),
    ],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata({
      name,
      namespace: SHOP,
      uid: workload.deploymentUid,
      created: moments.deploymentMade,
      generation: revision,
      labels,
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        'kubectl.kubernetes.io/last-applied-configuration': lastApplied(authored),
      },
      fieldOwners: [
        {
          manager: 'kubectl-client-side-apply',
          apiVersion: 'apps/v1',
          at: moments.rolledOut,
          fields: {
            metadata: {
              annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '' },
              labels,
            },
            spec: asObject(authored['spec']) ?? {},
          },
        },
        {
          manager: 'kube-controller-manager',
          apiVersion: 'apps/v1',
          at: later(moments.rolledOut, 40),
          fields: { metadata: { annotations: { 'deployment.kubernetes.io/revision': '' } }, status },
          subresource: 'status',
        },
      ],
    }),
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: withTemplateDefaults(workload.template),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    },
    status,
  }
}

function replicaSet(workload: Workload, moments: Moments): JsonObject {
  const { name, hash, replicas } = workload
  const template = podTemplate(workload)
  const labels = podLabels(workload)
  const status = {
    replicas,
    fullyLabeledReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
    observedGeneration: 1,
  }
  const selector = { matchLabels: { ...workload.labels, 'pod-template-hash': hash } }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: metadata({
      name: `${name}-${hash}`,
      namespace: SHOP,
      uid: workload.replicaSetUid,
      created: moments.rolledOut,
      generation: 1,
      labels,
      annotations: {
        'deployment.kubernetes.io/desired-replicas': String(replicas),
        'deployment.kubernetes.io/max-replicas': String(replicas + 1),
        'deployment.kubernetes.io/revision': String(workload.revision),
      },
      owner: { apiVersion: 'apps/v1', kind: 'Deployment', name, uid: workload.deploymentUid },
      fieldOwners: [
        {
          manager: 'kube-controller-manager',
          apiVersion: 'apps/v1',
          at: moments.rolledOut,
          fields: { metadata: { labels }, spec: { replicas, selector, template } },
        },
        {
          manager: 'kube-controller-manager',
          apiVersion: 'apps/v1',
          at: later(moments.rolledOut, 40),
          fields: { status },
          subresource: 'status',
        },
      ],
    }),
    spec: { replicas, selector, template },
    status,
  }
}
