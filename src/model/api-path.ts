import { ImpoundError } from './errors.js'

/** Where an object, a list or a subresource lives in the Kubernetes API. The core group is ''. */
export interface ApiPath {
  readonly group: string
  readonly version: string
  /** Plural, lower case: 'pods'. */
  readonly resource: string
  readonly namespace?: string
  readonly name?: string
  readonly subresource?: string
}

/**
 * The URL path; every part is percent-encoded, so no name can reach another object. Throws `usage` for '.', '..' and '', which
 * no encoding saves (URL parsers resolve %2E%2E too) and which no object is called.
 */
export function urlPath(path: ApiPath): string {
  const parts = path.group === '' ? ['api', path.version] : ['apis', path.group, path.version]
  if (path.namespace !== undefined) parts.push('namespaces', path.namespace)
  parts.push(path.resource)
  if (path.name !== undefined) parts.push(path.name)
  if (path.subresource !== undefined) parts.push(path.subresource)
  return `/${parts.map(encodeSegment).join('/')}`
}

function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new ImpoundError('usage', `"${segment}" is no name of an object`)
  }
  return encodeURIComponent(segment)
}

export function podPath(namespace: string, name?: string, subresource?: string): ApiPath {
  return {
    group: '',
    version: 'v1',
    resource: 'pods',
    namespace,
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  }
}

/** A right, as RBAC and SelfSubjectAccessReview say it. */
export interface AccessRule {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'bind' | 'use'
  readonly group: string
  readonly resource: string
  readonly subresource?: string
  readonly namespace?: string
  readonly name?: string
}

/** 'create networkpolicies.networking.k8s.io in shop': the words that a message uses. */
export function describeAccess(rule: AccessRule): string {
  const resource = `${rule.resource}${rule.group === '' ? '' : `.${rule.group}`}`
  const sub = rule.subresource === undefined ? '' : `/${rule.subresource}`
  return `${rule.verb} ${resource}${sub}${rule.namespace === undefined ? '' : ` in ${rule.namespace}`}`
}
