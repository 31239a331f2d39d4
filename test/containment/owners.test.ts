import { describe, expect, it } from '@jest/globals'

import { createContainment } from '../../src/containment/index.js'
import type { Json, JsonObject } from '../../src/model/json.js'
import type { QuarantinePlan } from '../../src/model/quarantine-plan.js'
import { OPTIONS, pod, shop, SUSPECT, target, UID } from './shop.js'

interface Owned {
  /** Nearest first. */
  readonly owners?: readonly JsonObject[]
  readonly spec?: JsonObject
  readonly status?: JsonObject
  readonly metadata?: JsonObject
}

const RESOURCES: Readonly<Record<string, string>> = {
  ReplicaSet: 'replicasets',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  Job: 'jobs',
  CronJob: 'cronjobs',
  ReplicationController: 'replicationcontrollers',
}

function owner(apiVersion: string, kind: string, spec: JsonObject = {}, status: JsonObject = {}): JsonObject {
  return {
    apiVersion,
    kind,
    metadata: { name: `my-${kind.toLowerCase()}`, uid: `uid-${kind}` },
    spec,
    status,
  }
}

function reference(object: JsonObject | undefined): readonly Json[] {
  if (object === undefined) return []
  const { apiVersion = '', kind = '', metadata = {} } = object
  return [{ apiVersion, kind, ...(metadata as JsonObject), controller: true }]
}

async function planned({
  owners = [],
  spec = {},
  status = {},
  metadata = {},
}: Owned): Promise<QuarantinePlan> {
  const api = shop()
  api.controllers = () => undefined
  api.served = [
    ...api.served,
    {
      group: 'batch',
      version: 'v1',
      resource: 'cronjobs',
      kind: 'CronJob',
      namespaced: true,
      verbs: [],
      preferred: true,
    },
    {
      group: '',
      version: 'v1',
      resource: 'replicationcontrollers',
      kind: 'ReplicationController',
      namespaced: true,
      verbs: [],
      preferred: true,
    },
  ]
  for (const [index, object] of owners.entries()) {
    const resource = RESOURCES[object['kind'] as string]
    const own = {
      ...(object['metadata'] as JsonObject),
      namespace: 'shop',
      ownerReferences: reference(owners[index + 1]),
    }
    if (resource !== undefined) api.put(resource, { ...object, metadata: own })
  }
  const made = pod(SUSPECT, UID)
  api.put(
    'pods',
    pod(SUSPECT, UID, {
      metadata: { ...(made['metadata'] as JsonObject), ownerReferences: reference(owners[0]), ...metadata },
      spec: { ...(made['spec'] as JsonObject), ...spec },
      status: { ...(made['status'] as JsonObject), ...status },
    }),
  )
  return createContainment(OPTIONS).plan(api.context, target(api))
}

const PORT = { containers: [{ name: 'app', ports: [{ containerPort: 80, hostPort: 8080 }] }] }

describe('what the plan says of the owner', () => {
  it.each<[string, Owned, string, string]>([
    [
      'a ReplicaSet',
      { owners: [owner('apps/v1', 'ReplicaSet', { replicas: 2 })] },
      'starts a replacement',
      'one pod too many',
    ],
    [
      'a ReplicaSet that wants none',
      { owners: [owner('apps/v1', 'ReplicaSet', { replicas: 0 })] },
      'starts none',
      'deletes it',
    ],
    [
      'a ReplicationController',
      { owners: [owner('v1', 'ReplicationController', { replicas: 1 })] },
      'starts a replacement',
      'one pod too many',
    ],
    [
      'a StatefulSet',
      { owners: [owner('apps/v1', 'StatefulSet', { volumeClaimTemplates: [{}] })] },
      'can not create one of the same name while it lives; with OrderedReady the later ones wait too; its volume stays with it',
      'nothing dies',
    ],
    [
      'a parallel StatefulSet without volumes',
      { owners: [owner('apps/v1', 'StatefulSet', { podManagementPolicy: 'Parallel' })] },
      'lets the pod go, but can not create one of the same name while it lives',
      'nothing dies',
    ],
    [
      'a DaemonSet',
      { owners: [owner('apps/v1', 'DaemonSet')] },
      'starts a second one on the node',
      'keeps the oldest, the suspect',
    ],
    [
      'a DaemonSet with a host port',
      { owners: [owner('apps/v1', 'DaemonSet')], spec: PORT },
      'stays Pending, for the suspect holds host port 8080',
      'the Pending one is deleted',
    ],
    [
      'a Job',
      { owners: [owner('batch/v1', 'Job')] },
      'lets the pod go and starts a replacement',
      'adopts the pod again if it has not ended',
    ],
    [
      'a Job with a deadline',
      { owners: [owner('batch/v1', 'Job', { activeDeadlineSeconds: 600 })] },
      'activeDeadlineSeconds (600) still ends the Job, not the pod',
      'if it has not ended',
    ],
    [
      'a Job that has ended',
      { owners: [owner('batch/v1', 'Job', {}, { conditions: [{ type: 'Complete', status: 'True' }] })] },
      'has ended',
      'not known',
    ],
    [
      'a CronJob',
      { owners: [owner('batch/v1', 'Job'), owner('batch/v1', 'CronJob')] },
      'CronJob my-cronjob goes on starting Jobs',
      'if it has not ended',
    ],
    [
      'a CronJob that replaces',
      { owners: [owner('batch/v1', 'Job'), owner('batch/v1', 'CronJob', { concurrencyPolicy: 'Replace' })] },
      'deletes this Job and its replacement, not the suspect',
      '',
    ],
    [
      'a CronJob that forbids',
      { owners: [owner('batch/v1', 'Job'), owner('batch/v1', 'CronJob', { concurrencyPolicy: 'Forbid' })] },
      'starts no other Job while this one runs',
      '',
    ],
    [
      'a suspended CronJob',
      { owners: [owner('batch/v1', 'Job'), owner('batch/v1', 'CronJob', { suspend: true })] },
      'is suspended',
      '',
    ],
    [
      'a controller of somebody’s',
      { owners: [owner('example.com/v1', 'Widget')] },
      'not known: a controller of this kind may',
      'not known',
    ],
    [
      'a ReplicaSet of somebody’s',
      { owners: [owner('example.com/v1', 'ReplicaSet')] },
      'not known',
      'not known',
    ],
    ['nobody', {}, 'no owner: nothing happens', 'nothing'],
    [
      'a node',
      { owners: [owner('v1', 'Node')] },
      'a static pod: the kubelet of node-a runs it by a file there',
      'nothing',
    ],
  ])('%s', async (_what, owned, onQuarantine, onRelease) => {
    const { owner: said, refusals } = await planned(owned)
    expect(said.onQuarantine).toContain(onQuarantine)
    expect(said.onRelease).toContain(onRelease)
    expect(refusals).toEqual([])
  })

  it.each<[string, Owned, string, string]>([
    [
      'static',
      { metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } }, owners: [owner('v1', 'Node')] },
      'static-pod',
      'file on the node',
    ],
    [
      'on its node’s network',
      { spec: { hostNetwork: true } },
      'host-network',
      'NetworkPolicies do not apply',
    ],
    [
      'being deleted',
      { metadata: { deletionTimestamp: '2026-11-22T02:59:00Z' } },
      'terminating',
      'take a snapshot',
    ],
    ['completed', { status: { phase: 'Succeeded' } }, 'completed', 'nothing runs in it'],
    ['failed', { status: { phase: 'Failed' } }, 'completed', 'nothing runs in it'],
  ])('refuses a pod that is %s', async (_what, owned, code, message) => {
    const { refusals, warnings } = await planned(owned)
    expect(refusals).toMatchObject([{ code, message: expect.stringContaining(message) }])
    expect(warnings.join()).not.toContain('could not be read')
  })

  it('points at --detach-owner for a controller that nobody knows', async () => {
    const { warnings } = await planned({ owners: [owner('example.com/v1', 'Widget')] })
    expect(warnings.join('\n')).toMatch(
      /Widget my-widget controls the pod.*may delete the pod; --detach-owner/,
    )
  })

  it('warns of an owner that controls nothing, since the garbage collector asks for no more', async () => {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'anchor', uid: 'cm' }]
    const { warnings } = await planned({ metadata: { ownerReferences } })
    expect(warnings).toContain(
      'ConfigMap anchor owns the pod without controlling it: deleting it may delete the pod',
    )
  })

  it('always drops the label by which a GitOps tool tracks, asked to keep it or not', async () => {
    const api = shop()
    const keepLabels = ['app.kubernetes.io/instance', 'tier']
    const { labels, warnings } = await createContainment({ ...OPTIONS, keepLabels }).plan(
      api.context,
      target(api),
    )
    expect(labels.remove).toContain('app.kubernetes.io/instance')
    expect(labels.keep).toEqual([{ key: 'tier', why: '--keep-label' }])
    expect(warnings.join()).toContain('--keep-label app.kubernetes.io/instance is not followed')
  })

  it('names the tool that may put back what a pod without a controller loses', async () => {
    const annotations = { 'argocd.argoproj.io/tracking-id': 'x' }
    const { warnings } = await planned({ metadata: { annotations } })
    expect(warnings.join()).toContain('the pod is kept by Argo CD, which may put its labels back')
  })
})
