import { isDeepStrictEqual } from 'node:util'

import { asNumber, asObject, asStringMap, at, type JsonObject } from '../../model/json.js'
import type { LabelSelector } from '../../model/kubernetes.js'
import { selectorMatches } from '../../model/selector.js'
import { seconds, withManagedFields } from '../api/managed-fields.js'
import { qosClassOf } from '../kubelet/qos-class.js'
import { nameSuffix, newUid } from '../store/identifiers.js'
import { labelsOf, metadataOf, nameOf, namespaceOf, objectsIn, uidOf, withMetadata } from '../store/object.js'
import type { ControllerContext } from './context.js'
import { controllerOf, isActive, isReady, isTerminating, specOf } from './pods.js'
import { recordEvent } from './record-event.js'
import { inDeletionOrder } from './victims.js'

/** The kinds that keep a number of alike pods. */
const OWNERS: readonly {
  readonly table: string
  readonly apiVersion: string
  readonly kind: string
  readonly component: string
}[] = [
  {
    table: 'replicasets.apps',
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    component: 'replicaset-controller',
  },
  {
    table: 'replicationcontrollers',
    apiVersion: 'v1',
    kind: 'ReplicationController',
    component: 'replication-controller',
  },
]

/** Brings every ReplicaSet and ReplicationController one step nearer to what its spec says. */
export function reconcileReplicas(context: ControllerContext): void {
  for (const kind of OWNERS) {
    for (const owner of context.store.list(kind.table)) reconcile(context, owner, kind)
  }
}

function reconcile(context: ControllerContext, owner: JsonObject, kind: (typeof OWNERS)[number]): void {
  if (metadataOf(owner).deletionTimestamp !== undefined) return
  const pods = claimed(context, owner)
  const active = pods.filter(isActive)
  const missing = (asNumber(specOf(owner).replicas) ?? 1) - active.length
  for (let count = 0; count < missing; count += 1) createPod(context, owner, kind)
  for (const pod of inDeletionOrder(active).slice(0, Math.max(0, -missing))) {
    context.store.put(
      'pods',
      withMetadata(pod, { deletionTimestamp: seconds(context.now()), deletionGracePeriodSeconds: 0 }),
    )
    recordEvent(context, owner, {
      reason: 'SuccessfulDelete',
      message: `Deleted pod: ${nameOf(pod)}`,
      component: kind.component,
    })
  }
  writeStatus(context, owner, kind)
}

/** The owner's pods, after it has let go those whose labels left and has taken up orphans that match. */
function claimed(context: ControllerContext, owner: JsonObject): readonly JsonObject[] {
  const matches = selectorOf(owner)
  return context.store.list('pods', namespaceOf(owner)).flatMap((pod) => {
    const controller = controllerOf(pod)
    if (controller === undefined) {
      return matches(pod) && isActive(pod)
        ? [setOwners(context, pod, [...ownersOf(pod), referenceTo(owner)])]
        : []
    }
    if (controller.uid !== uidOf(owner)) return []
    if (matches(pod)) return [pod]
    if (!isTerminating(pod))
      setOwners(
        context,
        pod,
        ownersOf(pod).filter(({ uid }) => uid !== uidOf(owner)),
      )
    return []
  })
}

function ownersOf(pod: JsonObject): readonly JsonObject[] {
  return objectsIn(metadataOf(pod).ownerReferences)
}

function setOwners(
  context: ControllerContext,
  pod: JsonObject,
  ownerReferences: readonly JsonObject[],
): JsonObject {
  const write = { manager: 'kube-controller-manager', apiVersion: 'v1', time: context.now() }
  return context.store.put('pods', withManagedFields(withMetadata(pod, { ownerReferences }), pod, write))
}

function referenceTo(owner: JsonObject): JsonObject {
  return {
    apiVersion: owner.apiVersion ?? '',
    kind: owner.kind ?? '',
    name: nameOf(owner),
    uid: uidOf(owner),
    controller: true,
    blockOwnerDeletion: true,
  }
}

/** A ReplicationController's selector is a plain map. */
function selectorOf(owner: JsonObject): (pod: JsonObject) => boolean {
  const selector = specOf(owner).selector
  const query = (
    owner.kind === 'ReplicationController'
      ? { matchLabels: asStringMap(selector) }
      : (asObject(selector) ?? {})
  ) as LabelSelector
  return (pod) => selectorMatches(query, labelsOf(pod))
}

function createPod(context: ControllerContext, owner: JsonObject, kind: (typeof OWNERS)[number]): void {
  const now = context.now()
  const template = asObject(specOf(owner).template) ?? {}
  const spec = asObject(template.spec) ?? {}
  const prefix = `${nameOf(owner)}-`
  const pod = withMetadata(
    {
      kind: 'Pod',
      apiVersion: 'v1',
      spec,
      status: { phase: 'Pending', qosClass: qosClassOf(spec) },
    },
    {
      name: `${prefix}${nameSuffix()}`,
      generateName: prefix,
      namespace: namespaceOf(owner),
      uid: newUid(),
      creationTimestamp: seconds(now),
      labels: asStringMap(at(template, 'metadata', 'labels')),
      annotations: asStringMap(at(template, 'metadata', 'annotations')),
      ownerReferences: [referenceTo(owner)],
    },
  )
  const write = { manager: 'kube-controller-manager', apiVersion: 'v1', time: now }
  context.store.put('pods', withManagedFields(pod, undefined, write))
  recordEvent(context, owner, {
    reason: 'SuccessfulCreate',
    message: `Created pod: ${nameOf(pod)}`,
    component: kind.component,
  })
}

function writeStatus(context: ControllerContext, stale: JsonObject, kind: (typeof OWNERS)[number]): void {
  const owner = context.store.get(kind.table, { namespace: namespaceOf(stale), name: nameOf(stale) })
  if (owner === undefined) return
  const own = context.store
    .list('pods', namespaceOf(owner))
    .filter((pod) => controllerOf(pod)?.uid === uidOf(owner) && isActive(pod))
  const template = asStringMap(at(specOf(owner), 'template', 'metadata', 'labels'))
  const labelled = own.filter((pod) => selectorMatches({ matchLabels: template }, labelsOf(pod)))
  const ready = own.filter(isReady).length
  const counts = { fullyLabeledReplicas: labelled.length, readyReplicas: ready, availableReplicas: ready }
  const status = {
    replicas: own.length,
    // the encoder leaves zeros out
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    ...(asNumber(metadataOf(owner).generation) === undefined
      ? {}
      : { observedGeneration: asNumber(metadataOf(owner).generation) ?? 0 }),
  }
  const before = asObject(owner.status) ?? {}
  const relevant = Object.fromEntries(
    Object.entries(before).filter(([key]) => key !== 'conditions' && key !== 'terminatingReplicas'),
  )
  if (!isDeepStrictEqual(relevant, status)) context.store.put(kind.table, { ...owner, status })
}
