import { type AccessRule, type ApiPath, describeAccess } from '../model/api-path.js'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** The right that a request needs, in RBAC's words; undefined for paths that are no resource. */
export function rightFor(method: Method, path: ApiPath | string): string | undefined {
  const parsed = typeof path === 'string' ? parse(path) : path
  if (parsed === undefined) return undefined
  const { group, resource, namespace, name, subresource } = parsed
  return describeAccess({
    verb: verbOf(method, name),
    group,
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(subresource === undefined ? {} : { subresource }),
  })
}

function verbOf(method: Method, name: string | undefined): AccessRule['verb'] {
  switch (method) {
    case 'GET':
      return name === undefined ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return 'delete'
  }
}

function parse(path: string): ApiPath | undefined {
  const parts = (path.split('?')[0] ?? '').split('/').filter((part) => part !== '')
  const root = parts.shift()
  if (root !== 'api' && root !== 'apis') return undefined
  const group = root === 'api' ? '' : (parts.shift() ?? '')
  const version = parts.shift() ?? ''
  // a namespace itself is an object too: /api/v1/namespaces/shop
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts[1] : undefined
  const [resource, name, subresource] = namespace === undefined ? parts : parts.slice(2)
  if (resource === undefined) return undefined
  return {
    group,
    version,
    resource,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource }),
  }
}
