import { randomBytes } from 'node:crypto'

import { asString, at, type Json, type JsonObject } from '../../model/json.js'
import { hasFinalizers } from '../api/finalizers.js'
import { seconds } from '../api/managed-fields.js'
import type { ControllerContext } from '../controllers/context.js'
import { isTerminating, nodeOf, phaseOf, specOf } from '../controllers/pods.js'
import { recordEvent } from '../controllers/record-event.js'
import { metadataOf, nameOf, namespaceOf, objectsIn, uidOf, withMetadata } from '../store/object.js'
import { startEphemerals, waitingEphemerals } from './ephemeral.js'
import { freeAddress, imageIdOf, internalAddressOf, placeFor } from './place-pod.js'

/** Starts the pods that are new, and ends those that are to go: what scheduler and kubelets do, a moment later. */
export function reconcilePods(context: ControllerContext): void {
  for (const pod of context.store.list('pods')) {
    const ref = { namespace: namespaceOf(pod), name: nameOf(pod) }
    const same = (): JsonObject | undefined => {
      const now = context.store.get('pods', ref)
      return now !== undefined && uidOf(now) === uidOf(pod) ? now : undefined
    }
    if (isTerminating(pod)) {
      if (hasFinalizers(pod) && metadataOf(pod).deletionGracePeriodSeconds === 0) continue
      context.agenda.later(`end ${uidOf(pod)}`, context.pace.start, () => {
        const ending = same()
        if (ending !== undefined) end(context, ending)
      })
    } else if (phaseOf(pod) === 'Pending' && at(pod, 'status', 'containerStatuses') === undefined) {
      context.agenda.later(`start ${uidOf(pod)}`, context.pace.start, () => {
        const waiting = same()
        if (waiting !== undefined && !isTerminating(waiting)) start(context, waiting)
      })
    } else if (waitingEphemerals(pod).length > 0) {
      context.agenda.later(`debug ${uidOf(pod)}`, context.pace.start, () => {
        const waiting = same()
        if (waiting !== undefined) startEphemerals(context, waiting)
      })
    }
  }
}

/** The kubelet's last word: the pod goes, or stays marked for those whose finalizers it has. */
function end({ store }: ControllerContext, pod: JsonObject): void {
  const ended = withMetadata(pod, { deletionGracePeriodSeconds: 0 })
  if (!hasFinalizers(pod)) store.delete('pods', { namespace: namespaceOf(pod), name: nameOf(pod) })
  else if (metadataOf(pod).deletionGracePeriodSeconds !== 0) store.put('pods', ended)
}

function start(context: ControllerContext, pod: JsonObject): void {
  const node = nodeOf(pod) || placeFor(context.store)
  if (node === undefined || isSilent(context.store.get('nodes', { namespace: undefined, name: node }))) return
  const placed = { ...pod, spec: { ...specOf(pod), nodeName: node } }
  const running = context.store.put('pods', { ...placed, status: runningStatus(context, placed, node) })
  recordEvent(context, running, {
    reason: 'Scheduled',
    message: `Successfully assigned ${namespaceOf(pod) ?? ''}/${nameOf(pod)} to ${node}`,
    component: 'default-scheduler',
  })
  for (const container of objectsIn(specOf(running).containers)) {
    const [name, image] = [asString(container.name) ?? '', asString(container.image) ?? '']
    const where = { component: 'kubelet', host: node, fieldPath: `spec.containers{${name}}` }
    const say = (reason: string, message: string): void =>
      recordEvent(context, running, { reason, message, ...where })
    say('Pulled', `Container image ${JSON.stringify(image)} already present on machine`)
    say('Created', `Container created`)
    say('Started', `Container started`)
  }
}

/** Whether a node's kubelet has stopped answering: then it starts nothing. */
function isSilent(node: JsonObject | undefined): boolean {
  const ready = objectsIn(at(node, 'status', 'conditions')).find(({ type }) => type === 'Ready')
  return ready?.status === 'Unknown'
}

function runningStatus(context: ControllerContext, pod: JsonObject, node: string): JsonObject {
  const at = seconds(context.now())
  const podIP = freeAddress(context.store, node)
  const hostIP = internalAddressOf(context.store.get('nodes', { namespace: undefined, name: node }))
  const status = (container: JsonObject, state: Json, ready: boolean): JsonObject => ({
    name: container.name ?? '',
    state,
    lastState: {},
    ready,
    restartCount: 0,
    image: container.image ?? '',
    imageID: imageIdOf(context.store, asString(container.image) ?? ''),
    containerID: `containerd://${randomBytes(32).toString('hex')}`,
    started: ready,
  })
  const completed = { exitCode: 0, reason: 'Completed', startedAt: at, finishedAt: at }
  const init = objectsIn(specOf(pod).initContainers).map((container) =>
    container.restartPolicy === 'Always'
      ? status(container, { running: { startedAt: at } }, true)
      : { ...status(container, { terminated: completed }, true), started: false },
  )
  // a condition that somebody else would have to set first
  const waits = objectsIn(specOf(pod).readinessGates).length > 0
  const condition = (type: string): JsonObject => ({
    type,
    status: type === 'Ready' && waits ? 'False' : 'True',
    lastProbeTime: null,
    lastTransitionTime: at,
  })
  return {
    phase: 'Running',
    conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
      condition,
    ),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: at,
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: objectsIn(specOf(pod).containers).map((container) =>
      status(container, { running: { startedAt: at } }, true),
    ),
    qosClass: asString((pod.status as JsonObject | undefined)?.qosClass) ?? 'BestEffort',
  }
}
