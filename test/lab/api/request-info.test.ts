import { describe, expect, it } from '@jest/globals'

import { parseTarget, requestInfo } from '../../../src/lab/api/request-info.js'

describe('what a request is about', () => {
  it.each([
    ['GET', '/api/v1/pods', { verb: 'list', group: '', resource: 'pods' }],
    ['GET', '/api/v1/pods?watch=1', { verb: 'watch', resource: 'pods' }],
    ['GET', '/api/v1/namespaces/shop/pods/', { verb: 'list', namespace: 'shop', resource: 'pods' }],
    [
      'GET',
      '/api/v1/namespaces/shop/pods/web/log?tailLines=1',
      { verb: 'get', name: 'web', subresource: 'log' },
    ],
    [
      'GET',
      '/api/v1/namespaces/shop',
      { verb: 'get', resource: 'namespaces', namespace: 'shop', name: 'shop' },
    ],
    ['DELETE', '/apis/apps/v1/namespaces/shop/deployments', { verb: 'deletecollection', group: 'apps' }],
    ['PATCH', '/apis/apps/v1/namespaces/shop/deployments/web', { verb: 'patch', version: 'v1', name: 'web' }],
    [
      'GET',
      '/api/v1/pods?fieldSelector=spec.nodeName%3Da,metadata.name%3Dweb',
      { verb: 'list', name: 'web', single: false },
    ],
    ['GET', '/api/v1/namespaces/shop/pods/%2E%2E', { name: '..', resource: 'pods' }],
    [
      'GET',
      '/api/v1/namespaces/shop/pods/../secrets/x',
      { name: '..', subresource: 'secrets/x', resource: 'pods' },
    ],
    ['GET', '/api/v1/namespaces/shop/pods/a%2F..%2Fb', { name: 'a', subresource: '../b' }],
    ['GET', '/version', { kind: 'path', verb: 'get', path: '/version' }],
    ['GET', '/apis/apps/v1', { kind: 'path', path: '/apis/apps/v1' }],
  ])('%s %s', (method, target, expected) => {
    expect(requestInfo(method, parseTarget(target))).toMatchObject(expected)
  })

  it('refuses an escape that is none', () => {
    expect(() => parseTarget('/api/v1/pods/%zz')).toThrow('invalid URL escape')
  })
})
