import type { JsonObject } from '../../model/json.js'
import { asObject } from '../../model/json.js'
import type { LabSeed } from '../types.js'

import { clusterObjects } from './objects/cluster.js'
import { configurationObjects } from './objects/configuration.js'
import type { ContainerRun } from './objects/container-status.js'
import { eventObjects } from './objects/events.js'
import { signed } from './images/attach.js'
import type { BuiltImage } from './images/build.js'
import { dbImage } from './images/db.js'
import { logShipperImage } from './images/log-shipper.js'
import { WEB_REPOSITORY, WEB_TAG, webImage } from './images/web.js'
import type { Moments } from './moments.js'
import { later, momentsBefore } from './moments.js'
import { DB_POD, NODE_A, NODE_B, SHOP, SIBLING, SUSPECT } from './names.js'
import { networkObjects } from './objects/network.js'
import { pod } from './objects/pods.js'
import { rbacObjects } from './objects/rbac.js'
import { shopRuntime } from './container/runtime.js'
import { dbWorkload, webWorkload, workloadObjects } from './objects/workloads.js'

export { SHOP_CANARIES } from './canaries.js'

export const SHOP_REGISTRY_HOST = 'registry.shop.example'

/** The images that the shop runs. */
export interface ShopImages {
  readonly web: BuiltImage
  readonly db: BuiltImage
  readonly logShipper: BuiltImage
}

export function buildShopImages(): ShopImages {
  return { web: webImage(), db: dbImage(), logShipper: logShipperImage() }
}

/**
 * A small web shop, one of whose two web pods somebody broke into an hour before `now`. The same `now` and host give the
 * same seed, byte for byte. `registryHost` (host[:port]) stands in every image reference.
 */
export function seedShop(options: { readonly now: Date; readonly registryHost?: string }): LabSeed {
  const host = options.registryHost ?? SHOP_REGISTRY_HOST
  const moments = momentsBefore(options.now)
  const images = buildShopImages()
  const web = webWorkload(host)
  const db = dbWorkload(host)
  const objects = [
    ...clusterObjects(moments),
    ...configurationObjects(moments),
    ...rbacObjects(moments),
    ...workloadObjects(web, moments),
    ...workloadObjects(db, moments),
    ...podObjects(host, moments, images),
    ...networkObjects(moments),
    ...eventObjects(moments, `${host}/${WEB_REPOSITORY}:${WEB_TAG}`),
  ]
  return {
    objects: objects.map(withResourceVersion),
    runtime: shopRuntime(moments),
    images: [signed(images.web), images.db, images.logShipper],
    suspect: { namespace: SHOP, name: SUSPECT.name, uid: SUSPECT.uid },
  }
}

function podObjects(host: string, moments: Moments, images: ShopImages): readonly JsonObject[] {
  const imageID = ({ repository, digest }: BuiltImage): string => `${host}/${repository}@${digest}`
  const { rolledOut, appFirstStarted, appCrashed, appRestarted } = moments
  const webRuns = (name: string, app: Partial<ContainerRun>): Readonly<Record<string, ContainerRun>> => ({
    migrate: {
      imageID: imageID(images.web),
      seed: `${name} migrate`,
      startedAt: later(rolledOut, 5),
      finished: later(rolledOut, 13),
    },
    app: { imageID: imageID(images.web), seed: `${name} app`, startedAt: appFirstStarted, ...app },
    'log-shipper': {
      imageID: imageID(images.logShipper),
      seed: `${name} log-shipper`,
      startedAt: later(appFirstStarted, 1),
    },
  })
  const web = webWorkload(host)
  return [
    pod({
      workload: web,
      pod: SUSPECT,
      node: NODE_A,
      moments,
      runs: webRuns(SUSPECT.name, {
        startedAt: appRestarted,
        crashed: { startedAt: appFirstStarted, finishedAt: appCrashed, exitCode: 137, reason: 'Error' },
      }),
    }),
    pod({ workload: web, pod: SIBLING, node: NODE_B, moments, runs: webRuns(SIBLING.name, {}) }),
    pod({
      workload: dbWorkload(host),
      pod: DB_POD,
      node: NODE_A,
      moments,
      runs: {
        postgres: { imageID: imageID(images.db), seed: DB_POD.name, startedAt: later(rolledOut, 6) },
      },
    }),
  ]
}

/** The versions of an etcd that wrote these objects one after another. */
function withResourceVersion(object: JsonObject, index: number): JsonObject {
  const metadata = asObject(object['metadata']) ?? {}
  return { ...object, metadata: { ...metadata, resourceVersion: String(48_210 + index * 7) } }
}
