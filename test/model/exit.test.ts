import { describe, expect, it } from '@jest/globals'

import { exitStatusOf, ImpoundError, type ErrorCode } from '../../src/model/errors.js'
import { worstExit, type ExitStatus } from '../../src/model/exit.js'

describe('the exit status of a run', () => {
  it.each<[readonly ExitStatus[], ExitStatus]>([
    [[], 0],
    [[0, 3], 3],
    [[3, 7], 7],
    [[7, 9, 4], 4],
    [[4, 5, 8, 6, 10, 130, 1, 2], 2],
    [[10, 130], 130],
  ])('of %j is %i, by the documented precedence', (statuses, expected) => {
    expect(worstExit(statuses)).toBe(expected)
  })

  it.each<[ErrorCode, ExitStatus]>([
    ['usage', 2],
    ['forbidden', 4],
    ['unreachable', 5],
    ['integrity', 6],
    ['target-changed', 8],
    ['refused', 9],
    ['storage', 10],
    ['aborted', 130],
  ])('of an error %s is %i', (code, expected) => {
    expect(exitStatusOf(new ImpoundError(code, 'x'))).toBe(expected)
  })

  it('of anything that is not ours is a fault of impound', () => {
    expect(exitStatusOf(new TypeError('x'))).toBe(1)
  })
})
