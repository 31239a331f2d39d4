import { randomBytes } from 'node:crypto'

import { asObject, asString, at, type JsonObject } from '../../model/json.js'
import { seconds } from '../api/managed-fields.js'
import type { ControllerContext } from '../controllers/context.js'
import { nodeOf, phaseOf } from '../controllers/pods.js'
import { recordEvent } from '../controllers/record-event.js'
import { objectsIn } from '../store/object.js'
import { imageIdOf } from './place-pod.js'

/** The ephemeral containers of a running pod that its status doesn't know yet. */
export function waitingEphemerals(pod: JsonObject): readonly JsonObject[] {
  if (phaseOf(pod) !== 'Running') return []
  const known = objectsIn(at(pod, 'status', 'ephemeralContainerStatuses')).map(({ name }) => name)
  return objectsIn(at(pod, 'spec', 'ephemeralContainers')).filter(({ name }) => !known.includes(name ?? ''))
}

/** Starts them: their status says that they run. */
export function startEphemerals(context: ControllerContext, pod: JsonObject): void {
  const waiting = waitingEphemerals(pod)
  if (waiting.length === 0) return
  const startedAt = seconds(context.now())
  const statuses = waiting.map((container) => ({
    name: container.name ?? '',
    state: { running: { startedAt } },
    lastState: {},
    ready: false,
    restartCount: 0,
    image: container.image ?? '',
    imageID: imageIdOf(context.store, asString(container.image) ?? ''),
    containerID: `containerd://${randomBytes(32).toString('hex')}`,
  }))
  const before = objectsIn(at(pod, 'status', 'ephemeralContainerStatuses'))
  const status = { ...asObject(pod.status), ephemeralContainerStatuses: [...before, ...statuses] }
  const running = context.store.put('pods', { ...pod, status })
  for (const { name } of statuses) {
    const fieldPath = `spec.ephemeralContainers{${asString(name) ?? ''}}`
    recordEvent(context, running, {
      reason: 'Started',
      message: 'Container started',
      component: 'kubelet',
      host: nodeOf(running),
      fieldPath,
    })
  }
}
