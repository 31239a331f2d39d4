import { beforeEach, describe, expect, it } from '@jest/globals'

import { FLOOR_BYTES, RateFloor } from '../../src/kube/rate-floor.js'

let now: number
let rate: RateFloor
beforeEach(() => {
  now = 0
  rate = new RateFloor(1000, () => now)
})

const after = (ms: number, bytes: number): boolean => {
  now += ms
  return rate.keptBy(bytes)
}

describe('the minimum rate of a stream', () => {
  it('is asked for a whole window, not before', () => {
    expect([after(500, 1), after(499, 1), after(1, 1)]).toEqual([true, true, false])
  })

  it('is kept by what came in the window, however it was spread', () => {
    expect([after(10, FLOOR_BYTES - 1), after(990, 1)]).toEqual([true, true])
  })

  it('is asked for each window anew', () => {
    expect([after(1000, 100 * FLOOR_BYTES), after(999, 1), after(1, 1)]).toEqual([true, true, false])
  })

  it('does not count the time on hold', () => {
    after(900, 1)
    rate.hold()
    now += 60_000
    rate.hold()
    expect(rate.keptBy(1)).toBe(true)
    rate.release()
    rate.release()
    expect([after(99, 1), after(1, 1)]).toEqual([true, false])
  })
})
