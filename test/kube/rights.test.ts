import { describe, expect, it } from '@jest/globals'

import { rightFor } from '../../src/kube/rights.js'
import { podPath } from '../../src/model/api-path.js'

describe('the right that a request needs', () => {
  it.each([
    ['GET', '/api/v1/namespaces/shop/pods?limit=1', 'list pods in shop'],
    ['GET', '/api/v1/namespaces/shop/pods/web/log', 'get pods/log in shop'],
    ['GET', '/api/v1/nodes/n1', 'get nodes'],
    ['GET', '/api/v1/namespaces/shop', 'get namespaces'],
    ['GET', '/api/v1/namespaces', 'list namespaces'],
    ['DELETE', '/apis/apps/v1/namespaces/shop/deployments/web', 'delete deployments.apps in shop'],
    ['PATCH', podPath('shop', 'web'), 'patch pods in shop'],
    ['POST', podPath('shop'), 'create pods in shop'],
  ] as const)('of %s %j is said in the words of RBAC', (method, path, right) => {
    expect(rightFor(method, path)).toBe(right)
  })

  it.each(['/version', '/api', '/apis/apps/v1', '/'])('is not known for %s, which is no resource', (path) => {
    expect(rightFor('GET', path)).toBeUndefined()
  })
})
