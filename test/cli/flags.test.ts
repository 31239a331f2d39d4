import { describe, expect, it } from '@jest/globals'

import { parseDuration, parseSize } from '../../src/cli/flag-values.js'

describe('flags', () => {
  it.each([
    ['30s', 30_000],
    ['30', 30_000],
    ['500ms', 500],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
  ])('reads the time %s', (given, ms) => {
    expect(parseDuration(given)).toBe(ms)
  })

  it.each(['', '0', '-1s', '1d', 's', '1 s', 'NaN', 'Infinity'])('refuses the time %j', (given) => {
    expect(() => parseDuration(given)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it.each([
    ['2GiB', 2 ** 31],
    ['500MB', 5e8],
    ['10k', 1e4],
    ['0', 0],
    ['7', 7],
  ])('reads the size %s', (given, bytes) => {
    expect(parseSize(given)).toBe(bytes)
  })

  it.each(['', '-1', '1e9', 'GB', '1 zb'])('refuses the size %j', (given) => {
    expect(() => parseSize(given)).toThrow(expect.objectContaining({ code: 'usage' }))
  })
})
