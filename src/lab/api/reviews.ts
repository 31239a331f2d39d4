import { asObject, asString, type JsonObject } from '../../model/json.js'
import { MASTERS } from '../access/users.js'
import { parseBody } from './body.js'
import type { ApiCall, ApiContext } from './call.js'
import { invalid } from './status.js'

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
  const allowed =
    wanted === undefined
      ? context.users.mayRead(call.user, asString(path?.path) ?? '')
      : context.users.may(call.user, {
          verb: text('verb'),
          group: text('group'),
          resource: text('resource'),
          subresource: text('subresource') || undefined,
          namespace: text('namespace') || undefined,
          name: text('name') || undefined,
        })
  const byRule = allowed && !call.user.groups.includes(MASTERS)
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec,
    status: { allowed, ...(byRule ? { reason: `RBAC: allowed to User "${call.user.name}"` } : {}) },
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
