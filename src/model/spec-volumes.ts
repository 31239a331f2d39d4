import { asArray, asObject, asString, at, type JsonObject } from './json.js'

/** Where a volume of a pod is mounted. */
export interface VolumeMount {
  readonly container: string
  readonly path: string
  readonly readOnly: boolean
  readonly subPath?: string
}

/** Every container of a pod as the API has it, init and ephemeral ones included. */
export function specContainers(pod: unknown): readonly JsonObject[] {
  return ['initContainers', 'containers', 'ephemeralContainers'].flatMap((list) =>
    objectsIn(at(pod, 'spec', list)),
  )
}

export function specVolumes(pod: unknown): readonly JsonObject[] {
  return objectsIn(at(pod, 'spec', 'volumes'))
}

function objectsIn(list: unknown): readonly JsonObject[] {
  return asArray(list)
    .map(asObject)
    .filter((object) => object !== undefined)
}

export function nameOf(object: unknown): string {
  return asString(at(object, 'name')) ?? ''
}

/** The mounts of the volume, in the order of the containers. */
export function mountsOf(pod: unknown, volume: string): readonly VolumeMount[] {
  return specContainers(pod).flatMap((container) =>
    asArray(at(container, 'volumeMounts'))
      .filter((mount) => nameOf(mount) === volume)
      .map((mount) => {
        const subPath = asString(at(mount, 'subPath')) ?? asString(at(mount, 'subPathExpr'))
        return {
          container: nameOf(container),
          path: asString(at(mount, 'mountPath')) ?? '',
          readOnly: at(mount, 'readOnly') === true,
          ...(subPath === undefined ? {} : { subPath }),
        }
      }),
  )
}
