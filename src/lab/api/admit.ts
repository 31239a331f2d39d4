import { asObject, at, type JsonObject } from '../../model/json.js'
import type { AdmissionRequest } from '../admission/admission.js'
import { policyRefusal } from '../admission/validating-policies.js'
import { podSecurity, templateWarnings } from '../admission/pod-security.js'
import { nameOf } from '../store/object.js'
import type { ApiCall, ApiContext } from './call.js'
import { namespaceIn } from './read.js'
import { forbidden } from './status.js'

/** The object as mutating admission leaves it. */
export function mutated(context: ApiContext, call: ApiCall, object: JsonObject, dryRun: boolean): JsonObject {
  return context.admission.mutate(requestOf(call, nameOf(object), dryRun), object)
}

/** Throws what validating admission refuses with; what it warns of goes to the call. */
export function admit(
  context: ApiContext,
  call: ApiCall,
  object: JsonObject | undefined,
  dryRun: boolean,
): void {
  const name = call.request.name ?? (object === undefined ? '' : nameOf(object))
  if (object !== undefined && context.profile !== '1.20') checkPodSecurity(context, call, object)
  const request = requestOf(call, name, dryRun)
  call.warnings.push(...context.admission.validate(request))
  if (context.profile === '1.20') return
  const refusal = policyRefusal(context.store, request, objectBefore(context, call, request))
  if (refusal !== undefined) throw refusal
}

/** As it is stored: of what is changed or deleted. */
function objectBefore(
  { store }: ApiContext,
  { resource }: ApiCall,
  { operation, namespace, name }: AdmissionRequest,
): JsonObject | undefined {
  return operation === 'UPDATE' || operation === 'DELETE'
    ? store.get(resource.table, { namespace, name })
    : undefined
}

/** Pods are refused, and the authors of their templates warned. Updates of labels and the like are not looked at. */
function checkPodSecurity(context: ApiContext, call: ApiCall, object: JsonObject): void {
  const { resource, request } = call
  const namespace = namespaceIn(resource, request) ?? ''
  const fresh = request.verb === 'create' || request.subresource === 'ephemeralcontainers'
  if (resource.table === 'pods' && fresh) {
    const { refusal, warnings } = podSecurity(context.store, namespace, asObject(object.spec) ?? {})
    if (refusal !== undefined) throw forbidden(resource, nameOf(object), refusal)
    call.warnings.push(...warnings)
    return
  }
  const template =
    resource.table === 'cronjobs.batch'
      ? at(object, 'spec', 'jobTemplate', 'spec', 'template')
      : at(object, 'spec', 'template')
  if (template !== undefined) call.warnings.push(...templateWarnings(context.store, namespace, template))
}

function requestOf({ request, resource, user }: ApiCall, name: string, dryRun: boolean): AdmissionRequest {
  const { verb, subresource } = request
  const operation =
    verb === 'create' && subresource !== 'exec'
      ? 'CREATE'
      : verb === 'delete' || verb === 'deletecollection'
        ? 'DELETE'
        : verb === 'get' || subresource === 'exec'
          ? 'CONNECT'
          : 'UPDATE'
  const { group, resource: plural } = resource
  return {
    operation,
    group,
    resource: plural,
    subresource,
    namespace: namespaceIn(resource, request),
    name,
    user,
    dryRun,
  }
}
