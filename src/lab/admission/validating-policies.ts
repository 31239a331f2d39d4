import { asArray, asObject, asString, at, type Json, type JsonObject } from '../../model/json.js'
import type { LabelSelector } from '../../model/kubernetes.js'
import { selectorMatches } from '../../model/selector.js'
import { forbidden, type ApiStatus, type FieldError } from '../api/status.js'
import { labelsOf, nameOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import type { AdmissionRequest } from './admission.js'
import { compiled, type CelFacts } from './cel.js'

const GROUP = 'admissionregistration.k8s.io'
const POLICIES = `validatingadmissionpolicies.${GROUP}`
const BINDINGS = `validatingadmissionpolicybindings.${GROUP}`
const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT', '*']

/**
 * What the ValidatingAdmissionPolicies of the cluster refuse: the first refusal. In force at once, where a real server takes some seconds.
 * Source: k8s.io/apiserver, pkg/admission/plugin/policy/validating.
 */
export function policyRefusal(
  store: Store,
  request: AdmissionRequest,
  oldObject: JsonObject | undefined,
): ApiStatus | undefined {
  // policies of this kind are asked of none of their own kind
  if (request.group === GROUP) return undefined
  const facts: CelFacts = { request, oldObject: oldObject ?? null }
  for (const binding of store.list(BINDINGS)) {
    const policy = store.get(POLICIES, {
      namespace: undefined,
      name: asString(at(binding, 'spec', 'policyName')) ?? '',
    })
    if (policy === undefined || !asArray(at(binding, 'spec', 'validationActions')).includes('Deny')) continue
    if (!matches(store, at(binding, 'spec', 'matchResources'), request, { everything: true })) continue
    if (!matches(store, at(policy, 'spec', 'matchConstraints'), request, { everything: false })) continue
    const conditions = asArray(at(policy, 'spec', 'matchConditions'))
    if (!conditions.every((one) => holds(one, facts))) continue
    const failed = asArray(at(policy, 'spec', 'validations')).find((one) => !holds(one, facts))
    if (failed === undefined) continue
    const why =
      asString(at(failed, 'message')) ?? `failed expression: ${asString(at(failed, 'expression')) ?? ''}`
    const said = `ValidatingAdmissionPolicy '${nameOf(policy)}' with binding '${nameOf(binding)}' denied request: ${why}`
    return forbidden(request, request.name, said)
  }
  return undefined
}

function holds(one: Json, facts: CelFacts): boolean {
  return compiled(asString(at(one, 'expression')) ?? '')?.(facts) === true
}

/** Whether a request is among those that a policy, or its binding, is about. */
function matches(
  store: Store,
  resources: unknown,
  { operation, group, resource, subresource, namespace }: AdmissionRequest,
  { everything }: { readonly everything: boolean },
): boolean {
  const selector = asObject(at(resources, 'namespaceSelector')) as LabelSelector | undefined
  if (namespace !== undefined && selector !== undefined) {
    const object = store.get('namespaces', { namespace: undefined, name: namespace })
    if (object === undefined || !selectorMatches(selector, labelsOf(object))) return false
  }
  const rules = asArray(at(resources, 'resourceRules'))
  if (rules.length === 0) return everything
  const named = subresource === undefined ? resource : `${resource}/${subresource}`
  return rules.some((rule) => {
    const has = (field: string, ...wanted: readonly string[]): boolean =>
      asArray(at(rule, field)).some((one) => wanted.includes(asString(one) ?? ''))
    return (
      has('operations', operation, '*') &&
      has('apiGroups', group, '*') &&
      has('resources', named, '*/*', ...(subresource === undefined ? ['*'] : [`${resource}/*`]))
    )
  })
}

/** What a server would not take: the fields that it must have, values that it does not know; and expressions that the lab can't evaluate. */
export function policyErrors({ kind, spec }: JsonObject): readonly FieldError[] {
  if (kind === 'ValidatingAdmissionPolicyBinding') return bindingErrors(spec)
  if (kind !== 'ValidatingAdmissionPolicy') return []
  const rules = asArray(at(spec, 'matchConstraints', 'resourceRules'))
  const validations = asArray(at(spec, 'validations'))
  const conditions = asArray(at(spec, 'matchConditions'))
  const wrong = (field: string, message: string): FieldError => ({
    reason: 'FieldValueInvalid',
    field,
    message,
  })
  return [
    ...(rules.length === 0 ? [required('spec.matchConstraints.resourceRules')] : []),
    ...rules.flatMap((rule, index) =>
      ['apiGroups', 'apiVersions', 'operations', 'resources']
        .filter((field) => asArray(at(rule, field)).length === 0)
        .map((field) => required(`spec.matchConstraints.resourceRules[${index}].${field}`)),
    ),
    ...rules.flatMap((rule) =>
      asArray(at(rule, 'operations'))
        .filter((one) => !OPERATIONS.includes(asString(one) ?? ''))
        .map((one) =>
          wrong(
            'spec.matchConstraints.resourceRules.operations',
            `Unsupported value: ${JSON.stringify(one)}`,
          ),
        ),
    ),
    ...(validations.length === 0 ? [required('spec.validations')] : []),
    ...(['Fail', 'Ignore', undefined].includes(asString(at(spec, 'failurePolicy')))
      ? []
      : [wrong('spec.failurePolicy', 'Unsupported value')]),
    ...conditions
      .filter((one) => !asString(at(one, 'name')))
      .map(() => required('spec.matchConditions.name')),
    ...[...conditions, ...validations]
      .map((one) => asString(at(one, 'expression')) ?? '')
      .filter((expression) => compiled(expression) === undefined)
      .map((expression) =>
        wrong('spec', `Invalid value: ${JSON.stringify(expression)}: the lab evaluates no such expression`),
      ),
  ]
}

function bindingErrors(spec: Json | undefined): readonly FieldError[] {
  return [
    ...(asString(at(spec, 'policyName')) ? [] : [required('spec.policyName')]),
    ...(asArray(at(spec, 'validationActions')).length > 0 ? [] : [required('spec.validationActions')]),
  ]
}

function required(field: string): FieldError {
  return { reason: 'FieldValueRequired', field, message: 'Required value' }
}

/** What a server adds to them. */
export function withPolicyDefaults(object: JsonObject): JsonObject {
  const spec = asObject(object.spec) ?? {}
  const matching = (given: Json | undefined): JsonObject => ({
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    ...asObject(given),
    ...(at(given, 'resourceRules') === undefined
      ? {}
      : {
          resourceRules: asArray(at(given, 'resourceRules')).map((rule) => ({
            scope: '*',
            ...asObject(rule),
          })),
        }),
  })
  if (object.kind === 'ValidatingAdmissionPolicyBinding') {
    const { matchResources } = spec
    return matchResources === undefined
      ? object
      : { ...object, spec: { ...spec, matchResources: matching(matchResources) } }
  }
  return {
    ...object,
    spec: { failurePolicy: 'Fail', ...spec, matchConstraints: matching(spec['matchConstraints']) },
  }
}
