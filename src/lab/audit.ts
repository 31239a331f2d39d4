import type { IncomingMessage } from 'node:http'

import { asObject, asString, at, type JsonObject } from '../model/json.js'
import type { Identity } from './access/authenticate.js'
import type { User } from './access/user.js'
import type { Answer } from './api/answer.js'
import type { RequestInfo } from './api/request-info.js'
import type { OpenRequest } from './requests.js'

/**
 * A request as the API server's audit log has it at level Metadata. The real log has an entry for each stage; this one has
 * the last alone, written when the answer is on its way or the stream open.
 * Source: k8s.io/apiserver, pkg/apis/audit/v1; compared with the log of a 1.20 server.
 */
export function auditEntry(
  now: Date,
  record: OpenRequest,
  request: IncomingMessage,
  asked: { readonly identity: Identity; readonly info: RequestInfo } | undefined,
  answer: Answer,
  reason: string,
): JsonObject {
  const { info, identity } = asked ?? {}
  const userAgent = request.headers['user-agent']
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: record.auditId,
    stage: 'ResponseComplete',
    requestURI: record.path,
    verb: info?.verb ?? record.method.toLowerCase(),
    user: identity === undefined ? {} : userInfo(identity.impersonator ?? identity.user),
    ...(identity?.impersonator === undefined ? {} : { impersonatedUser: userInfo(identity.user) }),
    sourceIPs: ['127.0.0.1'],
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(info?.kind === 'resource' ? { objectRef: objectRef(info, answer) } : {}),
    responseStatus: responseStatus(answer),
    requestReceivedTimestamp: micro(record.at),
    stageTimestamp: micro(now.toISOString()),
    ...(identity === undefined ? {} : { annotations: decision(answer, reason) }),
  }
}

function userInfo({ name, uid, groups }: User): JsonObject {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups }
}

function objectRef(info: Extract<RequestInfo, { kind: 'resource' }>, answer: Answer): JsonObject {
  const { resource, namespace, group, version, subresource } = info
  // what a create made up is only known from its answer
  const name =
    info.name ??
    (info.verb === 'create' && answer.status === 201
      ? asString(at(parsed(answer), 'metadata', 'name'))
      : undefined)
  return {
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === undefined ? {} : { subresource }),
  }
}

/** Of a Status its own fields, of all else the code alone. */
function responseStatus(answer: Answer): JsonObject {
  const body = answer.status >= 400 ? parsed(answer) : undefined
  const [status, message, reason] = ['status', 'message', 'reason'].map((field) => asString(body?.[field]))
  return {
    metadata: {},
    ...(status === undefined ? {} : { status }),
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    code: answer.status,
  }
}

function parsed({ body }: Answer): JsonObject | undefined {
  if (!Buffer.isBuffer(body)) return undefined
  try {
    return asObject(JSON.parse(body.toString()))
  } catch {
    return undefined
  }
}

function decision(answer: Answer, reason: string): JsonObject {
  const allowed = answer.status !== 403
  return {
    'authorization.k8s.io/decision': allowed ? 'allow' : 'forbid',
    'authorization.k8s.io/reason': reason,
  }
}

/** metav1.MicroTime. */
function micro(iso: string): string {
  return iso.replace(/\.(\d{3})Z$/, '.$1000Z')
}
