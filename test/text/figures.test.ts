import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { formatBytes } from '../../src/text/bytes.js'
import { counted } from '../../src/text/count.js'
import { formatDuration } from '../../src/text/duration.js'
import { formatClock, formatUtc, formatUtcOffset } from '../../src/text/time.js'

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [9_949, '9.9 kB'],
    [9_950, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [412_300_000, '412 MB'],
    [11e9, '11 GB'],
    [Number.MAX_SAFE_INTEGER, '9.0 PB'],
    [-1, 'unknown size'],
    [Number.NaN, 'unknown size'],
  ])('writes %d as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it('never shows four digits, nor ten with a decimal', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(formatBytes(bytes)).toMatch(/^(?:\d{1,3} B|\d\.\d [kMGTP]B|\d{2,3} [kMGTP]B)$/)
      }),
    )
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0 ms'],
    [340, '340 ms'],
    [999.6, '1.0 s'],
    [2_400, '2.4 s'],
    [9_960, '10 s'],
    [13_000, '13 s'],
    [59_700, '1 min'],
    [200_000, '3 min 20 s'],
    [3_599_700, '1 h'],
    [7_500_000, '2 h 5 min'],
    [86_399_000, '1 d'],
    [532_800_000, '6 d 4 h'],
    [-2_400, '-2.4 s'],
    [Number.NaN, 'unknown time'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })

  it('never carries sixty of a unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 10 }), (ms) => {
        expect(formatDuration(ms)).not.toMatch(/\b60 (?:s|min)|\b24 h/)
      }),
    )
  })
})

describe('times', () => {
  const time = new Date('2026-11-22T03:00:33.120+01:00')

  it('are UTC with milliseconds', () => {
    expect(formatUtc(time)).toBe('2026-11-22T02:00:33.120Z')
  })

  it('have a short form for the screen', () => {
    expect(formatClock(time)).toBe('02:00:33Z')
  })

  it.each([
    [60, '+01:00'],
    [0, '+00:00'],
    [-210, '-03:30'],
    [345, '+05:45'],
  ])('write an offset of %d minutes as %s', (minutes, text) => {
    expect(formatUtcOffset(minutes)).toBe(text)
  })
})

describe('counted', () => {
  it('agrees with its noun', () => {
    expect([counted(0, 'change'), counted(1, 'change'), counted(2, 'policy', 'policies')]).toEqual([
      '0 changes',
      '1 change',
      '2 policies',
    ])
  })
})
