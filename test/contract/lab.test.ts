import { describe, expect, it } from '@jest/globals'

import { behavioursOf, seenForReal } from './behaviour.js'
import { BEHAVIOURS } from './behaviours.js'
import { describeContract } from './describe-contract.js'
import { labWorld } from './lab-world.js'

describeContract('the lab as 1.20', behavioursOf(BEHAVIOURS, '1.20'), () => labWorld('1.20'))
describeContract('the lab as 1.36', behavioursOf(BEHAVIOURS, '1.36'), () => labWorld('1.36'))

describe('the contract', () => {
  it('claims of no behaviour of a newer version that a 1.20 server was seen to have it', () => {
    expect(seenForReal(BEHAVIOURS).filter(({ on }) => on !== undefined && on !== '1.20')).toEqual([])
  })

  it('names each behaviour once', () => {
    const names = BEHAVIOURS.map(({ name }) => name)
    expect(names).toEqual([...new Set(names)])
  })
})
