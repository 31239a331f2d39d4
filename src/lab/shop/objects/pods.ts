import type { JsonObject } from '../../../model/json.js'
import { asArray, asObject, asString, at } from '../../../model/json.js'

import { containerStatus, type ContainerRun } from './container-status.js'
import { metadata } from './metadata.js'
import type { Moments } from '../moments.js'
import { kubeTime, later } from '../moments.js'
import type { NODE_A, NODE_B } from '../names.js'
import { SHOP } from '../names.js'
import type { Workload } from './workloads.js'
import { podLabels, podTemplate } from './workloads.js'

export interface PodGiven {
  readonly workload: Workload
  readonly pod: { readonly name: string; readonly uid: string; readonly ip: string }
  readonly node: typeof NODE_A | typeof NODE_B
  readonly moments: Moments
  /** What each container did, by its name. */
  readonly runs: Readonly<Record<string, ContainerRun>>
}

/** A pod that its ReplicaSet made, the scheduler bound and a kubelet runs. */
export function pod(given: PodGiven): JsonObject {
  const { workload, node, moments } = given
  const labels = podLabels(workload)
  const spec = podSpec(given)
  const status = podStatus(given, spec)
  const replicaSet = `${workload.name}-${workload.hash}`
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadata({
      name: given.pod.name,
      generateName: `${replicaSet}-`,
      namespace: SHOP,
      uid: given.pod.uid,
      generation: 1,
      created: moments.rolledOut,
      labels,
      owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: replicaSet, uid: workload.replicaSetUid },
      fieldOwners: [
        {
          manager: 'kube-controller-manager',
          apiVersion: 'v1',
          at: moments.rolledOut,
          fields: {
            metadata: { generateName: '', labels, ownerReferences: [{ uid: workload.replicaSetUid }] },
            spec: asObject(podTemplate(workload)['spec']) ?? {},
          },
        },
        {
          manager: 'kubelet',
          apiVersion: 'v1',
          at: later(moments.appRestarted, 12),
          fields: { status },
          subresource: 'status',
        },
      ],
    }),
    spec: { ...spec, nodeName: node.name },
    status,
  }
}

/** The template's spec and what admission adds to it: the service account's token, tolerations, priority. */
function podSpec({ workload, pod: { uid } }: PodGiven): JsonObject {
  const spec = asObject(podTemplate(workload)['spec']) ?? {}
  const volume = `kube-api-access-${uid.replaceAll(/[^b-df-hj-np-tv-xz2-9]/g, '').slice(0, 5)}`
  const mount = {
    name: volume,
    readOnly: true,
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  }
  const mounted = (list: unknown): readonly JsonObject[] =>
    asArray(list).map((item) => {
      const container = asObject(item) ?? {}
      return { ...container, volumeMounts: [...asArray(container['volumeMounts']), mount] }
    })
  return {
    ...spec,
    volumes: [...asArray(spec['volumes']), tokenVolume(volume)],
    ...(spec['initContainers'] === undefined ? {} : { initContainers: mounted(spec['initContainers']) }),
    containers: mounted(spec['containers']),
    serviceAccountName: spec['serviceAccountName'] ?? 'default',
    serviceAccount: spec['serviceAccountName'] ?? 'default',
    tolerations: ['not-ready', 'unreachable'].map((reason) => ({
      key: `node.kubernetes.io/${reason}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 300,
    })),
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
  }
}

function tokenVolume(name: string): JsonObject {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 420,
    },
  }
}

function podStatus({ pod, node, moments, runs }: PodGiven, spec: JsonObject): JsonObject {
  const statuses = (list: unknown): readonly JsonObject[] =>
    asArray(list).flatMap((item) => {
      const run = runs[asString(at(item, 'name')) ?? '']
      return run === undefined ? [] : [containerStatus(asObject(item) ?? {}, run)]
    })
  const ready = kubeTime(
    Object.values(runs).reduce(
      (latest, { startedAt, finished }) =>
        finished === undefined && startedAt > latest ? startedAt : latest,
      moments.rolledOut,
    ),
  )
  const condition = (type: string, since: string): JsonObject => ({
    type,
    status: 'True',
    observedGeneration: 1,
    lastProbeTime: null,
    lastTransitionTime: since,
  })
  return {
    observedGeneration: 1,
    phase: 'Running',
    conditions: [
      condition('PodReadyToStartContainers', kubeTime(later(moments.rolledOut, 4))),
      condition('Initialized', kubeTime(later(moments.rolledOut, 14))),
      condition('Ready', ready),
      condition('ContainersReady', ready),
      condition('PodScheduled', kubeTime(moments.rolledOut)),
    ],
    hostIP: node.ip,
    hostIPs: [{ ip: node.ip }],
    podIP: pod.ip,
    podIPs: [{ ip: pod.ip }],
    startTime: kubeTime(moments.rolledOut),
    ...(spec['initContainers'] === undefined
      ? {}
      : { initContainerStatuses: statuses(spec['initContainers']) }),
    containerStatuses: statuses(spec['containers']),
    qosClass: 'Burstable',
  }
}
