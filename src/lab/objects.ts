import { asString, type JsonObject } from '../model/json.js'
import type { LabResource } from './api/resources.js'
import { apiVersionOf } from './api/served-shape.js'
import { newUid } from './store/identifiers.js'
import { metadataOf, nameOf, namespaceOf, uidOf, withMetadata } from './store/object.js'
import type { Store } from './store/store.js'

/**
 * What the lab's cluster holds, past the API: no rights, no admission, no journal. A resource is named as kubectl names it:
 * 'pods', 'networkpolicies.networking.k8s.io'. Events and endpoints have the shape of core/v1 and discovery.k8s.io/v1.
 */
export interface LabObjects {
  get(resource: string, namespace: string | undefined, name: string): JsonObject | undefined
  list(resource: string, namespace?: string): readonly JsonObject[]
  /** Creates or replaces, as somebody else in the cluster would: a new resourceVersion, and the controllers see it. */
  put(object: JsonObject): JsonObject
  delete(resource: string, namespace: string | undefined, name: string): void
}

export function labObjects(store: Store, resources: readonly LabResource[]): LabObjects {
  return {
    get: (resource, namespace, name) => store.get(resource, { namespace, name }),
    list: (resource, namespace) => store.list(resource, namespace),
    put: (object) => store.put(tableOf(object, resources), withIdentity(object)),
    delete: (resource, namespace, name) => void store.delete(resource, { namespace, name }),
  }
}

/** Fills an empty store with what the seed says was there before. */
export function plant(store: Store, objects: readonly JsonObject[], resources: readonly LabResource[]): void {
  for (const object of objects) store.seed(tableOf(object, resources), withIdentity(object))
}

/** One more than the newest resourceVersion of a seed. */
export function firstVersion(objects: readonly JsonObject[]): number {
  const versions = objects.map((object) => Number(metadataOf(object).resourceVersion ?? 0))
  return Math.max(1000, ...versions.filter(Number.isFinite)) + 1
}

/** The table of an object's kind, whichever version of its group it was written in. */
function tableOf(object: JsonObject, resources: readonly LabResource[]): string {
  const [kind, apiVersion] = [asString(object.kind) ?? '', asString(object.apiVersion) ?? '']
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
  const resource =
    resources.find((candidate) => candidate.kind === kind && apiVersionOf(candidate) === apiVersion) ??
    resources.find((candidate) => candidate.kind === kind && candidate.group === group)
  if (resource === undefined) {
    throw new Error(
      `the lab serves no ${kind} of ${apiVersion} (${namespaceOf(object) ?? ''}/${nameOf(object)})`,
    )
  }
  return resource.table
}

function withIdentity(object: JsonObject): JsonObject {
  return withMetadata(object, {
    uid: uidOf(object) || newUid(),
    resourceVersion: asString(metadataOf(object).resourceVersion) ?? '1',
  })
}
