import { isDeepStrictEqual } from 'node:util'

import { asArray, asObject, asString, at, type JsonObject } from '../../model/json.js'
import { policyErrors } from '../admission/validating-policies.js'
import { nameOf, namespaceOf, objectsIn, omit, uidOf } from '../store/object.js'
import type { LabResource } from './resources.js'
import { LABEL_VALUE, LABEL_VALUE_TEXT, qualifiedNameError, SUBDOMAIN, SUBDOMAIN_TEXT } from './names.js'
import { badRequest, invalid, type FieldError } from './status.js'

const ANNOTATIONS_LIMIT = 256 * 1024

/** Throws the 422 that the server's checks of metadata would, before an object is created. */
export function validateNew(object: JsonObject, resource: LabResource): void {
  const name = nameOf(object)
  const errors: FieldError[] = []
  if (name === '') {
    errors.push({
      reason: 'FieldValueRequired',
      field: 'metadata.name',
      message: 'Required value: name or generateName is required',
    })
  } else if (resource.group !== 'rbac.authorization.k8s.io' && (!SUBDOMAIN.test(name) || name.length > 253)) {
    errors.push(invalidValue('metadata.name', name, SUBDOMAIN_TEXT))
  }
  throwIfAny([...errors, ...mapErrors(object), ...policyErrors(object)], object, resource)
}

/** Throws as the server does where an update would change what can't change. */
export function validateUpdate(object: JsonObject, before: JsonObject, resource: LabResource): void {
  if (nameOf(object) !== nameOf(before)) {
    throw badRequest(
      `the name of the object (${nameOf(object)}) does not match the name on the URL (${nameOf(before)})`,
    )
  }
  if (namespaceOf(object) !== namespaceOf(before)) {
    throw badRequest(
      `the namespace of the object (${namespaceOf(object) ?? ''}) does not match the namespace on the request (${namespaceOf(before) ?? ''})`,
    )
  }
  const errors: FieldError[] = []
  if (uidOf(object) !== uidOf(before)) {
    errors.push(invalidValue('metadata.uid', uidOf(object), 'field is immutable'))
  }
  const added = newFinalizers(object, before)
  if (added.length > 0) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((name) => JSON.stringify(name)).join(', ')}}`,
    })
  }
  if (resource.table === 'pods' && !isDeepStrictEqual(frozenSpec(object), frozenSpec(before))) {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'spec',
      message:
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`, `spec.initContainers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations` (only additions to existing tolerations) or `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
    })
  }
  throwIfAny([...errors, ...mapErrors(object)], object, resource)
}

const STANDARD_FINALIZERS = ['foregroundDeletion', 'kubernetes', 'orphan']

/** The finalizers that an update would add to an object on its way out. */
function newFinalizers(object: JsonObject, before: JsonObject): readonly string[] {
  if (at(before, 'metadata', 'deletionTimestamp') === undefined) return []
  const [now, was] = [object, before].map((one) =>
    asArray(at(one, 'metadata', 'finalizers')).map((name) => asString(name) ?? ''),
  )
  return (now ?? []).filter((name) => was?.includes(name) !== true)
}

/** What of a pod's spec no update may change. */
function frozenSpec(pod: JsonObject): unknown {
  const spec = asObject(pod.spec) ?? {}
  const imageless = [spec.containers, spec.initContainers].map((list) =>
    objectsIn(list).map((container) => omit(container, 'image')),
  )
  const rest = omit(spec, 'activeDeadlineSeconds', 'tolerations', 'containers', 'initContainers')
  return { rest, imageless }
}

function mapErrors(object: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const [key, value] of Object.entries(asObject(at(object, 'metadata', 'labels')) ?? {})) {
    const text = asString(value)
    const wrong = qualifiedNameError(key)
    if (wrong !== undefined) errors.push(invalidValue('metadata.labels', key, wrong))
    if (text === undefined || !LABEL_VALUE.test(text)) {
      errors.push(invalidValue('metadata.labels', text ?? JSON.stringify(value), LABEL_VALUE_TEXT))
    } else if (text.length > 63) {
      errors.push(invalidValue('metadata.labels', text, 'must be no more than 63 characters'))
    }
  }
  let size = 0
  for (const [key, value] of Object.entries(asObject(at(object, 'metadata', 'annotations')) ?? {})) {
    const text = asString(value)
    const wrong = qualifiedNameError(key.toLowerCase())
    if (wrong !== undefined) errors.push(invalidValue('metadata.annotations', key, wrong))
    if (text === undefined) {
      errors.push(invalidValue('metadata.annotations', JSON.stringify(value), 'must be a string'))
    }
    size += key.length + (text?.length ?? 0)
  }
  for (const [index, finalizer] of asArray(at(object, 'metadata', 'finalizers')).entries()) {
    const text = asString(finalizer) ?? ''
    if (text.includes('/') && qualifiedNameError(text) === undefined) continue
    if (STANDARD_FINALIZERS.includes(text)) continue
    const why = 'name is neither a standard finalizer name nor is it fully qualified'
    errors.push(invalidValue(`metadata.finalizers[${index}]`, text, why))
  }
  if (size > ANNOTATIONS_LIMIT) {
    errors.push({
      reason: 'FieldValueInvalid',
      field: 'metadata.annotations',
      message: `Too long: may not be more than ${ANNOTATIONS_LIMIT} bytes`,
    })
  }
  return errors
}

function invalidValue(field: string, value: string, why: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` }
}

function throwIfAny(errors: readonly FieldError[], object: JsonObject, resource: LabResource): void {
  if (errors.length > 0) throw invalid(resource, nameOf(object), errors)
}
