import { isDeepStrictEqual } from 'node:util'

import { asArray, asNumber, asObject, asString, at, type Json, type JsonObject } from '../../model/json.js'
import { nameSuffix, newUid } from '../store/identifiers.js'
import { metadataOf, nameOf, namespaceOf, omit, withMetadata } from '../store/object.js'
import { parseBody } from './body.js'
import type { ApiCall, ApiContext } from './call.js'
import { admit, mutated } from './admit.js'
import { withContainerDefaults, withDefaults } from './defaults.js'
import { validateEphemeral } from './ephemeral-containers.js'
import { endIfReleased } from './finalizers.js'
import { seconds, withManagedFields } from './managed-fields.js'
import { patched } from './patch.js'
import { namespaceIn } from './read.js'
import { apiVersionOf, servedShape, storedShape } from './served-shape.js'
import { alreadyExists, badRequest, modifiedMeanwhile, notFound } from './status.js'
import { validateNew, validateUpdate } from './validation.js'

/** POST: the object as created. With dryRun nothing stays, and the answer has no resourceVersion. */
export function createObject(context: ApiContext, call: ApiCall, dryRun: boolean): JsonObject {
  const { resource, request } = call
  const sent = storedShape(kindChecked(parseBody(call), call), resource)
  const namespace = namespaceIn(resource, request)
  const own = namespaceOf(sent)
  if (own !== undefined && own !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
  const prefix = asString(metadataOf(sent).generateName)
  const name = nameOf(sent) === '' && prefix !== undefined ? `${prefix}${nameSuffix()}` : nameOf(sent)
  const now = context.now()
  const defaulted = withMetadata(withDefaults(sent, resource), { name, namespace })
  const named = withMetadata(
    {
      ...mutated(context, call, defaulted, dryRun),
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
    },
    {
      name,
      namespace,
      uid: newUid(),
      resourceVersion: undefined,
      creationTimestamp: seconds(now),
      deletionTimestamp: undefined,
      managedFields: undefined,
      generation: resource.generation ? 1 : undefined,
    },
  )
  validateNew(named, resource)
  if (context.store.get(resource.table, { namespace, name }) !== undefined)
    throw alreadyExists(resource, name)
  if (
    namespace !== undefined &&
    context.store.get('namespaces', { namespace: undefined, name: namespace }) === undefined
  ) {
    throw notFound({ group: '', resource: 'namespaces' }, namespace)
  }
  admit(context, call, named, dryRun)
  const object = withManagedFields(named, undefined, {
    manager: call.manager,
    apiVersion: apiVersionOf(resource),
    time: now,
  })
  return servedShape(dryRun ? object : context.store.put(resource.table, object), resource)
}

/** PUT: with a resourceVersion it must be the current one. */
export function updateObject(context: ApiContext, call: ApiCall, dryRun: boolean): JsonObject {
  const sent = kindChecked(parseBody(call), call)
  const name = call.request.name ?? ''
  if (nameOf(sent) === '') {
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    )
  }
  if (nameOf(sent) !== name) {
    throw badRequest(`the name of the object (${nameOf(sent)}) does not match the name on the URL (${name})`)
  }
  return replace(context, call, existing(context, call), storedShape(sent, call.resource), dryRun)
}

/** PATCH of any kind, on the object as this resource's version shows it. */
export function patchObject(context: ApiContext, call: ApiCall, dryRun: boolean): JsonObject {
  const before = existing(context, call)
  const after = patched(servedShape(before, call.resource), call)
  return replace(context, call, before, storedShape(after, call.resource), dryRun)
}

export function existing(context: ApiContext, { resource, request }: ApiCall): JsonObject {
  const name = request.name ?? ''
  const object = context.store.get(resource.table, { namespace: namespaceIn(resource, request), name })
  if (object === undefined) throw notFound(resource, name)
  return object
}

function replace(
  context: ApiContext,
  call: ApiCall,
  before: JsonObject,
  sent: JsonObject,
  dryRun: boolean,
): JsonObject {
  const { resource } = call
  const wanted = mutated(context, call, onlyPart(before, sent, call), dryRun)
  const metadata = metadataOf(before)
  const claimed = asString(metadataOf(wanted).resourceVersion)
  if (claimed !== undefined && claimed !== metadata.resourceVersion)
    throw modifiedMeanwhile(resource, nameOf(before))
  const kept: Record<string, Json | undefined> = {}
  for (const field of [
    'resourceVersion',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'managedFields',
  ]) {
    kept[field] = metadata[field]
  }
  const uid = asString(metadataOf(wanted).uid) ?? metadata.uid
  const namespace = namespaceOf(wanted) ?? metadata.namespace
  const shaped = withMetadata(
    { ...wanted, kind: resource.kind, apiVersion: apiVersionOf(resource) },
    { ...kept, uid, namespace },
  )
  const after =
    resource.generation && !isDeepStrictEqual(shaped.spec, before.spec) ? nextGeneration(shaped) : shaped
  const part = call.request.subresource
  if (part === 'ephemeralcontainers') validateEphemeral(after, before, resource)
  else validateUpdate(after, before, resource)
  admit(context, call, after, dryRun)
  // a write that changes nothing is none: the resourceVersion stays
  if (isDeepStrictEqual(after, { ...before, kind: after.kind, apiVersion: after.apiVersion })) {
    return servedShape(before, resource)
  }
  const object = withManagedFields(after, before, {
    manager: call.manager,
    apiVersion: apiVersionOf(resource),
    time: context.now(),
  })
  if (dryRun) return servedShape(object, resource)
  const stored = context.store.put(resource.table, object)
  endIfReleased(context, resource.table, stored)
  return servedShape(stored, resource)
}

/** Of a subresource only its part of the object counts; elsewhere the status is not the client's. */
function onlyPart(before: JsonObject, sent: JsonObject, { request, resource }: ApiCall): JsonObject {
  switch (request.subresource) {
    case 'status':
      return {
        ...before,
        metadata: sent.metadata ?? {},
        ...(sent.status === undefined ? {} : { status: sent.status }),
      }
    case 'ephemeralcontainers': {
      const added = at(sent, 'spec', 'ephemeralContainers')
      const spec = {
        ...asObject(before.spec),
        ephemeralContainers: asArray(added).map(withContainerDefaults),
      }
      return { ...before, metadata: sent.metadata ?? {}, spec }
    }
    case undefined:
    default: {
      if (!resource.subresources.some(({ name }) => name === 'status')) return sent
      return { ...omit(sent, 'status'), ...(before.status === undefined ? {} : { status: before.status }) }
    }
  }
}

function nextGeneration(object: JsonObject): JsonObject {
  return withMetadata(object, { generation: (asNumber(metadataOf(object).generation) ?? 0) + 1 })
}

function kindChecked(sent: JsonObject, { resource }: ApiCall): JsonObject {
  const [kind, apiVersion] = [asString(sent.kind) ?? '', asString(sent.apiVersion) ?? '']
  if (
    (kind === '' || kind === resource.kind) &&
    (apiVersion === '' || apiVersion === apiVersionOf(resource))
  ) {
    return sent
  }
  throw badRequest(
    `${kind} in version ${JSON.stringify(apiVersion)} cannot be handled as a ${resource.kind}: no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersionOf(resource))}`,
  )
}
