import { isDeepStrictEqual } from 'node:util'

import { asString, at, type JsonObject } from '../../model/json.js'
import { nameOf, objectsIn } from '../store/object.js'
import type { LabResource } from './resources.js'
import { invalid, type FieldError } from './status.js'

/**
 * Throws where an update of pods/ephemeralcontainers would do more than add. Wording: kubernetes/pkg/apis/core/validation,
 * ValidatePodEphemeralContainersUpdate.
 */
export function validateEphemeral(pod: JsonObject, before: JsonObject, resource: LabResource): void {
  const [now, was] = [pod, before].map((one) => objectsIn(at(one, 'spec', 'ephemeralContainers')))
  const errors: FieldError[] = []
  const forbid = (message: string): void => {
    errors.push({
      reason: 'FieldValueForbidden',
      field: 'spec.ephemeralContainers',
      message: `Forbidden: ${message}`,
    })
  }
  for (const old of was ?? []) {
    const same = now?.find(({ name }) => name === old.name)
    const shown = JSON.stringify(old.name ?? '')
    if (same === undefined) forbid(`existing ephemeral containers ${shown} may not be removed\n`)
    else if (!isDeepStrictEqual(same, old)) {
      forbid(`existing ephemeral containers ${shown} may not be changed\n`)
    }
  }
  const others = ['containers', 'initContainers'].flatMap((list) => objectsIn(at(pod, 'spec', list)))
  for (const [index, container] of (now ?? []).entries()) {
    const field = `spec.ephemeralContainers[${index}]`
    const [name, target] = [asString(container.name) ?? '', asString(container.targetContainerName)]
    if (name === '') {
      errors.push({ reason: 'FieldValueRequired', field: `${field}.name`, message: 'Required value' })
    } else if ([...others, ...(now ?? []).slice(0, index)].some((other) => other.name === name)) {
      const message = `Duplicate value: ${JSON.stringify(name)}`
      errors.push({ reason: 'FieldValueDuplicate', field: `${field}.name`, message })
    }
    if (target !== undefined && target !== '' && !others.some((other) => other.name === target)) {
      const message = `Not found: ${JSON.stringify(target)}`
      errors.push({ reason: 'FieldValueNotFound', field: `${field}.targetContainerName`, message })
    }
  }
  if (errors.length > 0) throw invalid(resource, nameOf(pod), errors)
}
