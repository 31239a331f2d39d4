import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { clockOffset } from '../../src/collectors/scene.js'

describe('the offset of the API server’s clock', () => {
  it('is not known before there is a sample', () => {
    expect(clockOffset([])).toBeUndefined()
  })

  it('is where all samples agree', () => {
    expect(
      clockOffset([
        { min: -500, max: 520 },
        { min: 100, max: 1_100 },
      ]),
    ).toEqual({ min: 100, max: 520, samples: 2 })
  })

  it('spans everything seen where samples contradict each other, since a clock was set in between', () => {
    expect(
      clockOffset([
        { min: 0, max: 10 },
        { min: 5_000, max: 5_010 },
      ]),
    ).toEqual({ min: 0, max: 5_010, samples: 2 })
  })

  it('always holds the true offset of a clock that nobody set', () => {
    const sample = (offset: number) =>
      fc
        .tuple(fc.nat(2_000), fc.nat(2_000))
        .map(([below, above]) => ({ min: offset - below, max: offset + above }))
    fc.assert(
      fc.property(
        fc
          .integer({ min: -1e6, max: 1e6 })
          .chain((offset) => fc.tuple(fc.constant(offset), fc.array(sample(offset), { minLength: 1 }))),
        ([offset, samples]) => {
          const { min, max } = clockOffset(samples)!
          expect(min).toBeLessThanOrEqual(offset)
          expect(max).toBeGreaterThanOrEqual(offset)
        },
      ),
    )
  })
})
