import { describe, expect, it } from '@jest/globals'

import { behavioursOf, seenForReal } from './behaviour.js'
import { BEHAVIOURS } from './behaviours.js'
import { describeLabContract } from './describe-contract.js'
import { labWorld } from './lab-world.js'

for (const version of ['1.20', '1.36'] as const)
  describeLabContract({
    title: `the lab as ${version}`,
    behaviours: behavioursOf(BEHAVIOURS, version),
    open: () => labWorld(version),
  })

describe('the contract', () => {
  it('claims of no behaviour of a newer version that a 1.20 server was seen to have it', () => {
    expect(seenForReal(BEHAVIOURS).filter(({ on }) => on !== undefined && on !== '1.20')).toEqual([])
  })

  it('names each behaviour once', () => {
    const names = BEHAVIOURS.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })
})
