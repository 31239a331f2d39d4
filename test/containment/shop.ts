import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import type { JsonObject } from '../../src/model/json.js'
import type { LabelSelector, NetworkPolicy, Pod } from '../../src/model/kubernetes.js'
import { selectorMatches } from '../../src/model/selector.js'
import type { ActionPlan, QuarantinePlan } from '../../src/model/quarantine-plan.js'
import type { Target } from '../../src/model/target.js'
import type { QuarantineOptions } from '../../src/containment/options.js'
import { MemoryApi } from './memory-api.js'

export const UID = '1f3a9c02-7d5e-4c1f-9a51-0d4c6f1b2a33'
export const MARK = '1f3a9c02'
export const SUSPECT = 'web-6dd6-x2x'

function nodeScript(name: string): string {
  const read = (file: string): string =>
    readFileSync(resolve(import.meta.dirname, `../../templates/node/${file}.sh`), 'utf8')
  return read('containers') + read(name)
}

export const OPTIONS: QuarantineOptions = {
  case: 'INC-42',
  who: 'ana@corp',
  keepLabels: [],
  allowOutage: false,
  wanted: new Set(),
  allowNode: false,
  scripts: {
    dropConnections: nodeScript('drop-connections'),
    freeze: nodeScript('freeze'),
    probeNetwork: nodeScript('probe-network'),
    twin: '# impound twin v1',
  },
  toolVersion: '0.1.0',
}

export const LABELS: Readonly<Record<string, string>> = {
  app: 'web',
  tier: 'front',
  'pod-template-hash': '6dd6',
  'app.kubernetes.io/instance': 'shop',
}

const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6dd6', uid: 'rs-1', controller: true }

export function pod(name: string, uid: string, change: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'shop',
      uid,
      creationTimestamp: '2026-11-16T03:00:00Z',
      labels: { ...LABELS },
      ownerReferences: [{ ...OWNER }],
    },
    spec: { nodeName: 'node-a', serviceAccountName: 'shop', containers: [{ name: 'app' }] },
    status: {
      phase: 'Running',
      podIP: '10.0.3.9',
      hostIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-11-16T03:00:10Z' }],
    },
    ...change,
  }
}

export function policy(name: string, spec: NetworkPolicy['spec']): JsonObject {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: 'shop', uid: `np-${name}` },
    spec: spec as unknown as JsonObject,
  }
}

/** A Deployment of two replicas behind a Service, with a ReplicaSet controller that lets go, replaces and adopts. */
export function shop(): MemoryApi {
  const api = new MemoryApi()
  api.put('deployments', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop', uid: 'deploy-1' },
  })
  api.put('replicasets', {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: 'web-6dd6',
      namespace: 'shop',
      uid: 'rs-1',
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'deploy-1', controller: true },
      ],
    },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web', 'pod-template-hash': '6dd6' } } },
  })
  api.put('pods', pod(SUSPECT, UID))
  api.put('pods', pod('web-6dd6-b7b', 'sibling-1'))
  api.put('services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop', uid: 'svc-1' },
    spec: { selector: { app: 'web' }, clusterIP: '10.96.0.9', ports: [{ port: 80, targetPort: 8080 }] },
  })
  api.put('endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web-abc',
      namespace: 'shop',
      uid: 'eps-1',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    endpoints: [endpoint('10.0.3.9', SUSPECT, UID), endpoint('10.0.3.10', 'web-6dd6-b7b', 'sibling-1')],
  })
  api.controllers = replicaSetController
  return api
}

export function endpoint(address: string, name: string, uid: string, ready = true): JsonObject {
  return {
    addresses: [address],
    conditions: { ready },
    targetRef: { kind: 'Pod', name, namespace: 'shop', uid },
  }
}

/** A section of a plan. */
export function actionNamed({ actions }: QuarantinePlan, name: string): ActionPlan | undefined {
  return actions.find(({ action }) => action === name)
}

export function target(api: MemoryApi): Target {
  return { namespace: 'shop', name: SUSPECT, uid: UID, pod: suspect(api) }
}

export function suspect(api: MemoryApi): Pod {
  return api.find('pods', SUSPECT) as unknown as Pod
}

function replicaSetController(api: MemoryApi): void {
  const owner = api.find('replicasets', 'web-6dd6') as unknown as
    { readonly spec: { readonly selector: LabelSelector; readonly replicas: number } } | undefined
  if (owner === undefined) return
  const pods = [...api.objects.values()].filter(({ kind }) => kind === 'Pod') as unknown as Pod[]
  const owned: Pod[] = []
  for (const each of pods) {
    const { name = '', labels = {}, ownerReferences = [] } = each.metadata ?? {}
    const controls = ownerReferences.some(({ uid }) => uid === 'rs-1')
    const selects = selectorMatches(owner.spec.selector, labels)
    if (controls && !selects) api.edit('pods', name, ({ metadata }) => delete metadata['ownerReferences'])
    if (!controls && selects && ownerReferences.length === 0) {
      api.edit('pods', name, ({ metadata }) => (metadata['ownerReferences'] = [{ ...OWNER }]))
    }
    if (selects) owned.push(each)
  }
  if (owned.length < owner.spec.replicas) {
    api.put(
      'pods',
      pod(`web-6dd6-r${api.journal.length}`, `replacement-${api.journal.length}`, {
        status: { phase: 'Pending', conditions: [{ type: 'Ready', status: 'False' }] },
      }),
    )
  }
  if (owned.length > owner.spec.replicas) {
    const newest = owned.find(({ metadata }) => metadata?.uid?.startsWith('replacement') === true)
    if (newest?.metadata?.name !== undefined) api.remove('pods', newest.metadata.name)
  }
}
