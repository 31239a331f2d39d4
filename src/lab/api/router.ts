import { asString, at } from '../../model/json.js'
import { authorize } from '../access/authorize.js'
import type { User } from '../access/user.js'
import { indentedAnswer, jsonAnswer, textAnswer, type Answer } from './answer.js'
import { isDryRun } from './body.js'
import type { ApiCall, ApiContext } from './call.js'
import { deleteCollection, deleteObject } from './delete.js'
import { discoveryDocument, isServed, versionDocument } from './discovery.js'
import { evict } from './eviction.js'
import { logAnswer } from './log.js'
import { getObject, listObjects } from './read.js'
import type { RequestInfo, RequestTarget, ResourceRequest } from './request-info.js'
import type { LabResource } from './resources.js'
import { reviewAccess, reviewRules, reviewSelf } from './reviews.js'
import { badRequest, methodNotAllowed, noSuchPath } from './status.js'
import { watchAnswer } from './watch.js'
import { createObject, existing, patchObject, updateObject } from './write.js'

export interface PlainRequest {
  readonly target: RequestTarget
  readonly info: RequestInfo
  readonly user: User
  readonly address: string
  readonly contentType: string
  readonly manager: string
  readonly body: Buffer
}

/** Authorises a request and answers it; throws ApiStatus for what the API server would refuse. */
export function answer(context: ApiContext, request: PlainRequest): Answer {
  authorize(request.user, request.info, context.users)
  if (request.info.kind === 'path') return pathAnswer(context, request)
  const resource = findResource(context, request.info)
  if (resource === undefined) {
    const { group, version } = request.info
    if (isServed(group, version, context.resources)) throw noSuchPath()
    return textAnswer(404, '404 page not found\n')
  }
  const { contentType, manager, body, user } = request
  const { query } = request.target
  const warnings: string[] = []
  const call: ApiCall = { request: request.info, resource, user, query, contentType, manager, body, warnings }
  const sent =
    call.request.subresource === undefined ? resourceAnswer(context, call) : subresourceAnswer(context, call)
  return withWarnings(sent, warnings)
}

/** RFC 7234 Warning headers, as the API server writes them. */
function withWarnings(answer: Answer, warnings: readonly string[]): Answer {
  if (warnings.length === 0) return answer
  const texts = [...new Set(warnings)].map((text) => `299 - ${JSON.stringify(text)}`)
  return { ...answer, headers: { ...answer.headers, Warning: texts.join(', ') } }
}

export function findResource(context: ApiContext, request: ResourceRequest): LabResource | undefined {
  return context.resources.find(
    ({ group, version, resource }) =>
      group === request.group && version === request.version && resource === request.resource,
  )
}

function pathAnswer(context: ApiContext, { target, address }: PlainRequest): Answer {
  const path = target.path.replace(/(?<=.)\/+$/, '')
  if (/^\/(?:livez|readyz|healthz)$/.test(path)) return textAnswer(200, 'ok')
  if (path === '/version') return indentedAnswer(versionDocument(context.profile))
  const document = discoveryDocument(path, context.resources, address)
  return document === undefined ? textAnswer(404, '404 page not found\n') : jsonAnswer(200, document)
}

function resourceAnswer(context: ApiContext, call: ApiCall): Answer {
  const { request, resource, query } = call
  if (!resource.verbs.includes(request.verb)) throw methodNotAllowed()
  if (request.single && resource.namespaced && request.namespace === undefined) throw noSuchPath()
  if (request.single) checkName(request.name ?? '')
  switch (request.verb) {
    case 'get':
      return jsonAnswer(200, getObject(context.store, resource, request, query))
    case 'list':
      return jsonAnswer(200, listObjects(context.store, resource, request, query))
    case 'watch':
      return watchAnswer(context, call)
    case 'create':
      return created(context, call)
    case 'update':
      return jsonAnswer(200, updateObject(context, call, isDryRun('UpdateOptions', query)))
    case 'patch':
      return jsonAnswer(200, patchObject(context, call, isDryRun('PatchOptions', query)))
    case 'delete':
      return jsonAnswer(200, deleteObject(context, call))
    case 'deletecollection':
      if (resource.namespaced && request.namespace === undefined) throw methodNotAllowed()
      return jsonAnswer(200, deleteCollection(context, call))
    default:
      throw methodNotAllowed()
  }
}

/** Names that would be another path. Source: k8s.io/apimachinery, pkg/api/validation/path. */
function checkName(name: string): void {
  if (name !== '.' && name !== '..' && !name.includes('%')) return
  const why = name.includes('%') ? "may not contain '%'" : `may not be '${name}'`
  throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: ${why}`)
}

function created(context: ApiContext, call: ApiCall): Answer {
  const { request, resource, query } = call
  if (request.single || (resource.namespaced && request.namespace === undefined)) throw methodNotAllowed()
  switch (resource.kind) {
    case 'SelfSubjectAccessReview':
      return jsonAnswer(201, reviewAccess(context, call))
    case 'SelfSubjectRulesReview':
      return jsonAnswer(201, reviewRules(context, call))
    case 'SelfSubjectReview':
      return jsonAnswer(201, reviewSelf(call))
    default:
      return jsonAnswer(201, createObject(context, call, isDryRun('CreateOptions', query)))
  }
}

function subresourceAnswer(context: ApiContext, call: ApiCall): Answer {
  const { resource, request, query } = call
  const subresource = resource.subresources.find(({ name }) => name === request.subresource)
  if (subresource === undefined) throw noSuchPath()
  if (resource.namespaced && request.namespace === undefined) throw noSuchPath()
  if (!subresource.verbs.includes(request.verb)) throw methodNotAllowed()
  switch (subresource.name) {
    case 'log':
      return logAnswer(context, existing(context, call), query)
    case 'eviction':
      return jsonAnswer(201, evict(context, call))
    case 'status':
    case 'ephemeralcontainers':
      return partAnswer(context, call)
    default:
      throw badRequest('Upgrade request required')
  }
}

/** A subresource that is a part of its object. */
function partAnswer(context: ApiContext, call: ApiCall): Answer {
  const { request, resource, query } = call
  switch (request.verb) {
    case 'get':
      return jsonAnswer(200, getObject(context.store, resource, request, query))
    case 'update':
      return jsonAnswer(200, updateObject(context, call, isDryRun('UpdateOptions', query)))
    case 'patch':
      return jsonAnswer(200, patchObject(context, call, isDryRun('PatchOptions', query)))
    default:
      throw methodNotAllowed()
  }
}

/** Who a write is recorded as: what the client says, or the first word of its User-Agent. */
export function managerOf(query: URLSearchParams, userAgent: string | undefined): string {
  return query.get('fieldManager') ?? asString(at((userAgent ?? '').split('/'), 0)) ?? ''
}
