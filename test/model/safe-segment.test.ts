import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { isSafeSegment, safeSegment } from '../../src/model/safe-segment.js'

describe('a path segment in the archive', () => {
  it.each(['app', 'web-1.2_3', 'A'])('keeps the safe name %j as it is', (name) => {
    expect(safeSegment(name)).toBe(name)
  })

  it('is safe and short whatever the name', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 12, max: 100 }),
        (name, limit) => {
          const segment = safeSegment(name, limit)
          expect(isSafeSegment(segment)).toBe(true)
          expect(segment.length).toBeLessThanOrEqual(limit)
        },
      ),
    )
  })

  it('keeps two hostile names apart', () => {
    expect(safeSegment('../a')).not.toBe(safeSegment('..\\a'))
    expect(safeSegment('x'.repeat(200))).not.toBe(safeSegment('x'.repeat(201)))
  })
})
