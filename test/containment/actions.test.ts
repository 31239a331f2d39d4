import { describe, expect, it } from '@jest/globals'

import { actions } from '../../src/containment/index.js'
import { OPTIONS, shop, target } from './shop.js'

describe('the list of containment actions', () => {
  it('names each action once', () => {
    const names = actions(OPTIONS).map(({ name }) => name)
    expect(names).toEqual(['quarantine'])
  })

  it('declares for each action the rights that its requests need', async () => {
    const api = shop()
    for (const action of actions(OPTIONS)) {
      const { access } = action.requirements(target(api))
      const declared = new Set(access.map(({ verb, resource }) => `${verb} ${resource}`))
      const plan = await action.plan(api.context, target(api))
      await action.apply(api.context, plan)
      await action.verify(api.context, plan)
      await action.undo(api.context, api.journal)
      const verbs = { POST: 'create', PATCH: 'patch', DELETE: 'delete' } as const
      const sent = api.writes.map((write) => {
        const [method = '', path = ''] = write.split(' ')
        return `${verbs[method as keyof typeof verbs]} ${path.split('/')[0] ?? ''}`
      })
      const read = api.reads.map((resource) =>
        declared.has(`get ${resource}`) ? `get ${resource}` : `list ${resource}`,
      )
      expect([...new Set([...sent, ...read])].filter((request) => !declared.has(request))).toEqual([])
    }
  })
})
