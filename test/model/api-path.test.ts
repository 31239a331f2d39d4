import { describe, expect, it } from '@jest/globals'

import { describeAccess, podPath, urlPath } from '../../src/model/api-path.js'

describe('a path into the API', () => {
  it.each([
    [podPath('shop', 'web'), '/api/v1/namespaces/shop/pods/web'],
    [podPath('shop', 'web', 'log'), '/api/v1/namespaces/shop/pods/web/log'],
    [
      { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'shop' },
      '/apis/apps/v1/namespaces/shop/deployments',
    ],
    [{ group: '', version: 'v1', resource: 'nodes', name: 'a' }, '/api/v1/nodes/a'],
  ])('%j is %s', (path, expected) => {
    expect(urlPath(path)).toBe(expected)
  })

  it.each(['p/../x', '...', 'a?b', 'a#b', 'a%2Fb', 'ü'])(
    'never lets the name %j reach another object',
    (name) => {
      const url = new URL(urlPath(podPath('shop', name)), 'https://api.example')
      expect(url.pathname.split('/').slice(0, 6).join('/')).toBe('/api/v1/namespaces/shop/pods')
      expect(url.pathname.split('/')).toHaveLength(7)
      expect(url.search).toBe('')
      expect(url.hash).toBe('')
    },
  )

  it.each(['', '.', '..'])('refuses the name %j, which no encoding saves', (name) => {
    expect(() => urlPath(podPath('shop', name))).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('says a right in the words of RBAC', () => {
    const rule = { verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: 'shop' } as const
    expect(describeAccess(rule)).toBe('get pods/log in shop')
    expect(describeAccess({ verb: 'create', group: 'networking.k8s.io', resource: 'networkpolicies' })).toBe(
      'create networkpolicies.networking.k8s.io',
    )
  })
})
