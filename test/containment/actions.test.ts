import { describe, expect, it } from '@jest/globals'

import { actions, createContainment } from '../../src/containment/index.js'
import { OPTIONS, policy, shop, target } from './shop.js'

describe('the list of containment actions', () => {
  it('names each action once', () => {
    const names = actions(OPTIONS).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain('quarantine')
  })

  it.each([[[]], [['patch-residuals', 'cordon', 'detach-bindings', 'deny-access', 'block-token']]] as const)(
    'declares the rights that its requests need: %j',
    async (wanted) => {
      const api = shop()
      api.put('networkpolicies', policy('everything', { podSelector: {}, ingress: [{}] }))
      api.put('nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a', uid: 'n' }, spec: {} })
      const account = { kind: 'ServiceAccount', namespace: 'shop', name: 'shop' }
      for (const [resource, kind, metadata] of [
        ['rolebindings', 'RoleBinding', { name: 'a', namespace: 'shop', uid: 'a' }],
        ['clusterrolebindings', 'ClusterRoleBinding', { name: 'b', uid: 'b' }],
      ] as const) {
        const apiVersion = 'rbac.authorization.k8s.io/v1'
        api.put(resource, { apiVersion, kind, metadata, subjects: [account] })
      }
      const containment = createContainment({ ...OPTIONS, wanted: new Set(wanted) })
      const { access } = containment.requirements(target(api))
      const declared = new Set(access.map(({ verb, resource }) => `${verb} ${resource}`))
      const plan = await containment.plan(api.context, target(api))
      await containment.apply(api.context, plan, ({ action, error }) =>
        expect([action, error]).toEqual([action, undefined]),
      )
      await containment.verify(api.context, plan)
      await containment.undo(api.context, api.journal)
      const verbs = { POST: 'create', PATCH: 'patch', DELETE: 'delete' } as const
      const sent = api.writes.map((write) => {
        const [method = '', path = ''] = write.split(' ')
        return `${verbs[method as keyof typeof verbs]} ${path.split('/')[0] ?? ''}`
      })
      const read = api.reads.map((resource) =>
        declared.has(`get ${resource}`) ? `get ${resource}` : `list ${resource}`,
      )
      expect([...new Set([...sent, ...read])].filter((request) => !declared.has(request))).toEqual([])
    },
  )
})
