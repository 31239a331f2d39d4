import { asNumber, asObject, asString, at, type JsonObject } from '../../model/json.js'
import { nameOf, namespaceOf, uidOf, withMetadata } from '../store/object.js'
import { isDryRun, parseJson } from './body.js'
import type { ApiCall, ApiContext } from './call.js'
import { seconds } from './managed-fields.js'
import { servedShape } from './served-shape.js'
import { conflict } from './status.js'
import { existing } from './write.js'

/**
 * DELETE of one object, with its preconditions. A pod that runs is only marked, and answered as it then is: its kubelet
 * ends it. All else is gone at once, and answered with a Success.
 */
export function deleteObject(context: ApiContext, call: ApiCall): JsonObject {
  const { resource } = call
  const options = call.body.length === 0 ? {} : (asObject(parseJson(call.body)) ?? {})
  const dryRun = isDryRun('DeleteOptions', call.query, options)
  const object = existing(context, call)
  checkPreconditions(object, options, call)
  const ref = { namespace: namespaceOf(object), name: nameOf(object) }
  if (resource.table === 'pods') {
    const grace = graceSeconds(object, options, call.query)
    const marked = withMetadata(object, {
      deletionTimestamp: seconds(new Date(context.now().getTime() + grace * 1000)),
      deletionGracePeriodSeconds: grace,
    })
    if (dryRun) return servedShape(marked, resource)
    if (grace > 0) return servedShape(context.store.put(resource.table, marked), resource)
    context.store.delete(resource.table, ref)
    return servedShape(marked, resource)
  }
  if (!dryRun) context.store.delete(resource.table, ref)
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

function checkPreconditions(object: JsonObject, options: JsonObject, { resource }: ApiCall): void {
  const [uid, version] = ['uid', 'resourceVersion'].map((field) =>
    asString(at(options, 'preconditions', field)),
  )
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

function graceSeconds(pod: JsonObject, options: JsonObject, query: URLSearchParams): number {
  const asked = query.get('gracePeriodSeconds')
  const wanted = asked === null ? asNumber(options.gracePeriodSeconds) : Number(asked)
  return Math.max(0, wanted ?? asNumber(at(pod, 'spec', 'terminationGracePeriodSeconds')) ?? 30)
}
