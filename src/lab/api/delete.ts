import { asNumber, asString, at, type JsonObject } from '../../model/json.js'
import { metadataOf, nameOf, namespaceOf, objectsIn, uidOf, withMetadata } from '../store/object.js'
import { admit } from './admit.js'
import type { ApiCall, ApiContext } from './call.js'
import { deleteOptions, type DeleteOptions } from './delete-options.js'
import { hasFinalizers } from './finalizers.js'
import { seconds } from './managed-fields.js'
import { listObjects } from './read.js'
import { servedShape } from './served-shape.js'
import { conflict } from './status.js'
import { existing } from './write.js'

/**
 * DELETE of one object, with its preconditions. A pod that runs, and whatever has finalizers, is only marked, and answered as
 * it then is. All else is gone at once, and answered with a Success.
 */
export function deleteObject(context: ApiContext, call: ApiCall): JsonObject {
  const { resource } = call
  const options = deleteOptions(call)
  const object = existing(context, call)
  checkPreconditions(object, options.preconditions, call)
  admit(context, call, undefined, options.dryRun)
  const left = remove(context, call, object, options)
  if (left !== undefined) return servedShape(left, resource)
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: nameOf(object),
      ...(resource.group === '' ? {} : { group: resource.group }),
      kind: resource.resource,
      uid: uidOf(object),
    },
  }
}

/** DELETE of all that the selectors leave, answered with the list as it was before. */
export function deleteCollection(context: ApiContext, call: ApiCall): JsonObject {
  const { resource, request, query } = call
  const options = deleteOptions(call)
  const list = listObjects(context.store, resource, request, query)
  for (const item of objectsIn(list.items)) {
    const name = nameOf(item)
    const object = context.store.get(resource.table, { namespace: namespaceOf(item), name })
    if (object === undefined) continue
    admit(context, { ...call, request: { ...request, name } }, undefined, options.dryRun)
    remove(context, call, object, options)
  }
  return list
}

/** Takes an object away, or marks it as about to go; returns what is then left of it to show. */
export function remove(
  context: ApiContext,
  { resource }: Pick<ApiCall, 'resource'>,
  object: JsonObject,
  options: DeleteOptions,
): JsonObject | undefined {
  const { store } = context
  const isPod = resource.table === 'pods'
  const ref = { namespace: namespaceOf(object), name: nameOf(object) }
  if (options.propagation === 'Orphan' && !options.dryRun) orphan(context, uidOf(object))
  if (!isPod && !hasFinalizers(object)) {
    if (!options.dryRun) store.delete(resource.table, ref)
    return undefined
  }
  const grace = isPod ? graceSeconds(object, options) : 0
  const marked = withMetadata(object, {
    // what is on its way out can only be made to go sooner
    deletionTimestamp: seconds(new Date(context.now().getTime() + grace * 1000)),
    deletionGracePeriodSeconds: grace,
  })
  if (options.dryRun) return marked
  if (grace > 0 || hasFinalizers(object)) return store.put(resource.table, marked)
  store.delete(resource.table, ref)
  return marked
}

function checkPreconditions(object: JsonObject, preconditions: JsonObject, { resource }: ApiCall): void {
  const [uid, version] = ['uid', 'resourceVersion'].map((field) => asString(preconditions[field]))
  const current = asString(at(object, 'metadata', 'resourceVersion')) ?? ''
  // a message about a kind here, where others speak of a resource
  const of = { group: resource.group, resource: resource.kind }
  if (uid !== undefined && uid !== uidOf(object)) {
    throw conflict(
      of,
      nameOf(object),
      `the UID in the precondition (${uid}) does not match the UID in record (${uidOf(object)}). The object might have been deleted and then recreated`,
    )
  }
  if (version !== undefined && version !== current) {
    throw conflict(
      of,
      nameOf(object),
      `the ResourceVersion in the precondition (${version}) does not match the ResourceVersion in record (${current}). The object might have been modified`,
    )
  }
}

/** A pod that no kubelet has is gone at once. */
function graceSeconds(pod: JsonObject, { graceSeconds: asked }: DeleteOptions): number {
  if ((asString(at(pod, 'spec', 'nodeName')) ?? '') === '') return 0
  return Math.max(0, asked ?? asNumber(at(pod, 'spec', 'terminationGracePeriodSeconds')) ?? 30)
}

/** Lets the dependents of an object go on without it. */
function orphan({ store }: ApiContext, uid: string): void {
  for (const table of store.tables()) {
    for (const object of store.list(table)) {
      const owners = objectsIn(metadataOf(object).ownerReferences)
      const left = owners.filter((owner) => owner.uid !== uid)
      if (left.length < owners.length) store.put(table, withMetadata(object, { ownerReferences: left }))
    }
  }
}
