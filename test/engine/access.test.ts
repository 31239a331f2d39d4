import { describe, expect, it } from '@jest/globals'

import { forbidden } from '../../src/engine/access.js'

describe('the rights that a responder has to ask for', () => {
  it('are named once each, whatever object they were asked for', () => {
    const pods = { group: '', resource: 'pods', namespace: 'shop' } as const
    const { hints } = forbidden([
      { verb: 'get', ...pods },
      { verb: 'get', ...pods, name: 'web-1' },
      { verb: 'get', ...pods, name: 'web-2' },
      { verb: 'list', group: '', resource: 'nodes' },
    ])
    expect(hints.slice(0, -1)).toEqual(['missing: get pods in shop', 'missing: list nodes'])
  })

  it('say how far they go where the same one is missing here and everywhere', () => {
    const list = { verb: 'list', group: '', resource: 'pods' } as const
    expect(forbidden([list, { ...list, namespace: 'shop' }]).hints.slice(0, -1)).toEqual([
      'missing: list pods in every namespace',
      'missing: list pods in shop',
    ])
  })
})
