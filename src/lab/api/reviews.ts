import { asObject, asString, at, type JsonObject } from '../../model/json.js'
import { parseBody } from './body.js'
import type { ApiCall, ApiContext } from './call.js'
import { badRequest, invalid } from './status.js'

/** SelfSubjectAccessReview: answered from the rules by which requests are let in. */
export function reviewAccess(context: ApiContext, call: ApiCall): JsonObject {
  const spec = asObject(parseBody(call).spec) ?? {}
  const [wanted, path] = [asObject(spec.resourceAttributes), asObject(spec.nonResourceAttributes)]
  if ((wanted === undefined) === (path === undefined)) {
    throw invalid({ group: 'authorization.k8s.io', kind: '' }, '', [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.resourceAttributes',
        message:
          'Invalid value: "null": exactly one of nonResourceAttributes or resourceAttributes must be specified',
      },
    ])
  }
  const text = (field: string): string => asString(wanted?.[field]) ?? ''
  const { allowed, reason } =
    wanted === undefined
      ? {
          allowed: context.users.mayRead(
            call.user,
            asString(path?.path) ?? '',
            asString(path?.verb) ?? 'get',
          ),
          reason: '',
        }
      : context.users.decide(call.user, {
          verb: text('verb'),
          group: text('group'),
          resource: text('resource'),
          subresource: text('subresource') || undefined,
          namespace: text('namespace') || undefined,
          name: text('name') || undefined,
        })
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec,
    status: { allowed, ...(reason === '' ? {} : { reason }) },
  }
}

/** SelfSubjectRulesReview: all that the client may do in a namespace. */
export function reviewRules(context: ApiContext, call: ApiCall): JsonObject {
  const namespace = asString(at(parseBody(call), 'spec', 'namespace')) ?? ''
  if (namespace === '') throw badRequest('no namespace on request')
  const { rules, errors } = context.users.rulesOf(call.user, namespace)
  return {
    kind: 'SelfSubjectRulesReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: {},
    status: {
      resourceRules: rules.filter((rule) => rule.resources !== undefined),
      nonResourceRules: rules.filter((rule) => rule.nonResourceURLs !== undefined),
      incomplete: false,
      ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
    },
  }
}

/** SelfSubjectReview: who the server takes the client for. */
export function reviewSelf({ user }: ApiCall): JsonObject {
  return {
    kind: 'SelfSubjectReview',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: {},
    status: {
      userInfo: {
        username: user.name,
        ...(user.uid === undefined ? {} : { uid: user.uid }),
        groups: user.groups,
      },
    },
  }
}
