import type { Json, JsonObject } from '../../../model/json.js'
import { asArray, asString, at } from '../../../model/json.js'
import type { LabContainer, LabRuntime } from '../../types.js'

import { dataContainer, finishedContainer } from './container.js'
import { DB_REPOSITORY } from '../images/db.js'
import { LOG_SHIPPER_REPOSITORY } from '../images/log-shipper.js'
import { WEB_REPOSITORY } from '../images/web.js'
import { database, healthyApp, logShipper, suspectApp } from './insides.js'
import { shortLog } from './logs.js'
import type { Moments } from '../moments.js'
import type { MountedPod } from './mounts.js'
import { UID } from '../names.js'

/**
 * The insides of the shop's containers, by image; the suspect's app is told by its pod's UID, so that a replacement under
 * whatever name is clean. A container is made at the first question and kept.
 */
export function shopRuntime(moments: Moments): LabRuntime {
  const made = new Map<string, LabContainer>()
  return {
    container(pod, name) {
      const key = JSON.stringify([asString(at(pod, 'metadata', 'uid')) ?? '', name])
      const container = made.get(key) ?? containerOf(pod, name, moments)
      if (container !== undefined) made.set(key, container)
      return container
    },
  }
}

function containerOf(object: JsonObject, name: string, moments: Moments): LabContainer | undefined {
  const pod = mountedPod(object, moments)
  if (imageOf(at(object, 'spec', 'initContainers'), name) !== undefined) {
    return finishedContainer(shortLog(pod.startedAt, ['waiting for db.shop.svc:5432', 'schema is at 41']))
  }
  switch (imageOf(at(object, 'spec', 'containers'), name)) {
    case WEB_REPOSITORY:
      return dataContainer(pod.uid === UID.podSuspect ? suspectApp(pod, moments) : healthyApp(pod, moments))
    case DB_REPOSITORY:
      return dataContainer(database(pod))
    case LOG_SHIPPER_REPOSITORY:
      return dataContainer(logShipper(pod))
    case undefined:
    default:
      return undefined
  }
}

/** 'shop/web' of '127.0.0.1:5000/shop/web:1.4.2', for the container of that name in a spec's list. */
function imageOf(containers: unknown, name: string): string | undefined {
  const container = asArray(containers).find((one: Json) => at(one, 'name') === name)
  const image = asString(at(container, 'image'))
  return image?.replace(/^[^/]*\//, '').replace(/(?::[^/:@]*)?(?:@.*)?$/, '')
}

function mountedPod(pod: JsonObject, { now }: Moments): MountedPod {
  const text = (...path: readonly string[]): string | undefined => asString(at(pod, ...path))
  const started = Date.parse(text('status', 'startTime') ?? text('metadata', 'creationTimestamp') ?? '')
  return {
    uid: text('metadata', 'uid') ?? '',
    name: text('metadata', 'name') ?? '',
    ip: text('status', 'podIP') ?? '',
    startedAt: Number.isNaN(started) ? now : new Date(started),
  }
}
