import { isDeepStrictEqual } from 'node:util'

import { asObject, asString, at, type JsonObject } from '../../model/json.js'
import { nameOf, namespaceOf, objectsIn, omit, uidOf } from '../store/object.js'
import type { LabResource } from './resources.js'
import { badRequest, invalid, type FieldError } from './status.js'

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
const LABEL_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/
const ANNOTATIONS_LIMIT = 256 * 1024

const SUBDOMAIN_TEXT =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_VALUE_TEXT =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const QUALIFIED_NAME_TEXT =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

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
  throwIfAny([...errors, ...mapErrors(object)], object, resource)
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
    if (!isQualifiedName(key)) errors.push(invalidValue('metadata.labels', key, QUALIFIED_NAME_TEXT))
    if (text === undefined || !LABEL_VALUE.test(text)) {
      errors.push(invalidValue('metadata.labels', text ?? JSON.stringify(value), LABEL_VALUE_TEXT))
    } else if (text.length > 63) {
      errors.push(invalidValue('metadata.labels', text, 'must be no more than 63 characters'))
    }
  }
  let size = 0
  for (const [key, value] of Object.entries(asObject(at(object, 'metadata', 'annotations')) ?? {})) {
    const text = asString(value)
    if (!isQualifiedName(key.toLowerCase())) {
      errors.push(invalidValue('metadata.annotations', key, QUALIFIED_NAME_TEXT))
    }
    if (text === undefined) {
      errors.push(invalidValue('metadata.annotations', JSON.stringify(value), 'must be a string'))
    }
    size += key.length + (text?.length ?? 0)
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

function isQualifiedName(key: string): boolean {
  const [name = '', prefix, ...more] = key.split('/').reverse()
  return (
    more.length === 0 &&
    LABEL_NAME.test(name) &&
    name.length <= 63 &&
    (prefix === undefined || SUBDOMAIN.test(prefix))
  )
}

function invalidValue(field: string, value: string, why: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${JSON.stringify(value)}: ${why}` }
}

function throwIfAny(errors: readonly FieldError[], object: JsonObject, resource: LabResource): void {
  if (errors.length > 0) throw invalid(resource, nameOf(object), errors)
}
