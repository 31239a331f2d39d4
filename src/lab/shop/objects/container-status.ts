import { createHash } from 'node:crypto'

import type { JsonObject } from '../../../model/json.js'
import { asArray, asObject } from '../../../model/json.js'

import { kubeTime } from '../moments.js'

/** What a container of the shop did so far. */
export interface ContainerRun {
  /** repository@digest as the runtime says it. */
  readonly imageID: string
  /** What the container IDs are made of. */
  readonly seed: string
  readonly startedAt: Date
  /** The run is over and was a success: an init container's. */
  readonly finished?: Date
  readonly crashed?: Crash
}

/** The run before this one. */
interface Crash {
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly exitCode: number
  readonly reason: string
}

/** A ContainerStatus as a kubelet reports it. */
export function containerStatus(container: JsonObject, run: ContainerRun): JsonObject {
  const current = containerID(`${run.seed} ${run.crashed === undefined ? 0 : 1}`)
  return {
    name: container['name'] ?? '',
    state:
      run.finished === undefined
        ? { running: { startedAt: kubeTime(run.startedAt) } }
        : { terminated: terminated(run.startedAt, run.finished, 0, 'Completed', current) },
    lastState: lastState(run),
    ready: true,
    restartCount: run.crashed === undefined ? 0 : 1,
    image: container['image'] ?? '',
    imageID: run.imageID,
    containerID: current,
    started: run.finished === undefined,
    ...requested(container),
    volumeMounts: asArray(container['volumeMounts']).map((item) => {
      const mount = asObject(item) ?? {}
      return mount['readOnly'] === true ? { ...mount, recursiveReadOnly: 'Disabled' } : mount
    }),
  }
}

function lastState({ crashed, seed }: ContainerRun): JsonObject {
  if (crashed === undefined) return {}
  const { startedAt, finishedAt, exitCode, reason } = crashed
  return { terminated: terminated(startedAt, finishedAt, exitCode, reason, containerID(`${seed} 0`)) }
}

function terminated(
  started: Date,
  finished: Date,
  exitCode: number,
  reason: string,
  containerID: string,
): JsonObject {
  return {
    exitCode,
    reason,
    startedAt: kubeTime(started),
    finishedAt: kubeTime(finished),
    containerID,
  }
}

function requested(container: JsonObject): JsonObject {
  const resources = asObject(container['resources']) ?? {}
  return resources['requests'] === undefined ? {} : { allocatedResources: resources['requests'], resources }
}

function containerID(seed: string): string {
  return `containerd://${createHash('sha256').update(`container ${seed}`).digest('hex')}`
}
