import { badRequest } from './status.js'

/** What a request is about, as the API server's authorizer and audit log see it. */
export type RequestInfo =
  | { readonly kind: 'path'; readonly verb: string; readonly path: string }
  | ({ readonly kind: 'resource' } & ResourceRequest)

export interface ResourceRequest {
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly namespace: string | undefined
  readonly resource: string
  readonly name: string | undefined
  readonly subresource: string | undefined
  /** Whether the path ended with a name: GET is then `get` and not `list`. */
  readonly single: boolean
}

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** A request's target, in two: the path percent-decoded (as the API server reads it, slashes included), and the query. */
export interface RequestTarget {
  readonly path: string
  readonly query: URLSearchParams
}

export function parseTarget(target: string): RequestTarget {
  const [, path = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(target) ?? []
  try {
    return { path: decodeURIComponent(path), query: new URLSearchParams(query) }
  } catch {
    throw badRequest(`invalid URL escape in ${JSON.stringify(path)}`)
  }
}

/**
 * What a target is about. No segment means anything but itself: '..' is a name, and no valid one.
 * Source: k8s.io/apiserver, pkg/endpoints/request, RequestInfoFactory.NewRequestInfo.
 */
export function requestInfo(method: string, target: RequestTarget): RequestInfo {
  const verb = VERBS[method] ?? method.toLowerCase()
  const segments = target.path.split('/').filter((segment) => segment !== '')
  const core = segments[0] === 'api'
  const parts = segments.slice(core ? 2 : 3)
  if (!(core || segments[0] === 'apis') || parts.length === 0) {
    return { kind: 'path', verb, path: target.path }
  }
  const group = core ? '' : (segments[1] ?? '')
  const version = segments[core ? 1 : 2] ?? ''

  let namespace: string | undefined
  let rest = parts
  if (parts[0] === 'namespaces' && parts[1] !== undefined) {
    namespace = parts[1]
    // namespaces/x and its own subresources are about the namespace itself
    if (parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize') rest = parts.slice(2)
  }
  const [resource = '', pathName, ...below] = rest
  const single = pathName !== undefined
  const name = pathName ?? nameInSelector(target.query.get('fieldSelector'))
  return {
    kind: 'resource',
    verb: single ? verb : collectionVerb(verb, target.query),
    group,
    version,
    namespace,
    resource,
    name,
    subresource: below.length === 0 ? undefined : below.join('/'),
    single,
  }
}

function collectionVerb(verb: string, query: URLSearchParams): string {
  if (verb === 'delete') return 'deletecollection'
  if (verb !== 'get') return verb
  return ['true', '1'].includes(query.get('watch') ?? '') ? 'watch' : 'list'
}

/** A list by metadata.name is authorised as one of that name. */
function nameInSelector(selector: string | null): string | undefined {
  return /(?:^|,)metadata\.name==?([^,]+)/.exec(selector ?? '')?.[1]
}
