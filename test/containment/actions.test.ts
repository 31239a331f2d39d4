import { describe, expect, it } from '@jest/globals'

import { actions, createContainment } from '../../src/containment/index.js'
import { OPTIONS, shop, target } from './shop.js'

describe('the list of containment actions', () => {
  it('names each action once', () => {
    const names = actions(OPTIONS).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain('quarantine')
  })

  it('declares the rights that its requests need', async () => {
    const api = shop()
    {
      const containment = createContainment(OPTIONS)
      const { access } = containment.requirements(target(api))
      const declared = new Set(access.map(({ verb, resource }) => `${verb} ${resource}`))
      const plan = await containment.plan(api.context, target(api))
      await containment.apply(api.context, plan)
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
    }
  })
})
