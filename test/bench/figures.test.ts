import { describe, expect, it } from '@jest/globals'

import { judge, median, p95, type Figures } from './figures.js'

const figures = (medianSeconds: number, peakRssMiB?: number): Figures => ({
  label: 'x',
  medianSeconds,
  seconds: [medianSeconds],
  ...(peakRssMiB === undefined ? {} : { peakRssMiB }),
})

describe('median', () => {
  it.each([
    { values: [3], expected: 3 },
    { values: [9, 1, 10], expected: 9 },
    { values: [4, 1, 2, 100], expected: 3 },
  ])('of $values is $expected', ({ values, expected }) => {
    expect(median(values)).toBe(expected)
  })
})

describe('the value that 95 of 100 do not exceed', () => {
  it.each([
    { count: 1, expected: 1 },
    { count: 19, expected: 19 },
    { count: 20, expected: 19 },
    { count: 100, expected: 95 },
  ])('of 1 to $count is $expected', ({ count, expected }) => {
    expect(p95(Array.from({ length: count }, (_, index) => count - index))).toBe(expected)
  })
})

describe('a goal', () => {
  it('of time is a multiple of the peer’s that may not be exceeded', () => {
    const goal = { kind: 'times-at-most', factor: 2.5 } as const
    expect(judge(goal, figures(0.1), figures(0.04))).toEqual({ ratio: 2.5, met: true })
    expect(judge(goal, figures(0.2), figures(0.04))).toEqual({ ratio: 5, met: false })
    const bounded = { ...goal, seconds: 3 }
    expect(judge(bounded, figures(3), figures(9))).toMatchObject({ met: true })
    expect(judge(bounded, figures(3.1), figures(9))).toMatchObject({ met: false })
  })

  it('of speed is a share of the peer’s that has to be reached', () => {
    const goal = { kind: 'speed-at-least', factor: 2 } as const
    expect(judge(goal, figures(1), figures(2))).toEqual({ ratio: 2, met: true })
    expect(judge(goal, figures(2), figures(1))).toEqual({ ratio: 0.5, met: false })
  })

  it('of 95 of 100 rounds does not look at the slowest of twenty', () => {
    const goal = { kind: 'p95-within', seconds: 1.5 } as const
    const rounds = (slow: number): Figures => ({
      ...figures(1),
      seconds: Array.from({ length: 20 }, (_, at) => (at < slow ? 9 : 1)),
    })
    expect(judge(goal, rounds(1), undefined).met).toBe(true)
    expect(judge(goal, rounds(2), undefined).met).toBe(false)
  })

  it('that names memory is not met where memory was not measured', () => {
    const goal = { kind: 'within', seconds: 3, rssMiB: 200 } as const
    expect(judge(goal, figures(2, 150), undefined).met).toBe(true)
    expect(judge(goal, figures(2, 250), undefined).met).toBe(false)
    expect(judge(goal, figures(4, 150), undefined).met).toBe(false)
    expect(judge(goal, figures(2), undefined).met).toBe(false)
  })
})
