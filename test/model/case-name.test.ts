import { describe, expect, it } from '@jest/globals'

import { caseName, compactTime, madeUpCaseName } from '../../src/model/case-name.js'

describe("a case's name", () => {
  it.each(['INC-42', 'a', '2026.11_x', 'x'.repeat(50)])('may be %s', (name) => {
    expect(caseName(name)).toBe(name)
  })

  it.each(['', '-x', '.x', 'a b', 'a/b', '../x', 'x'.repeat(51), 'a\nb', 'é'])('may not be %j', (name) => {
    expect(() => caseName(name)).toThrow(expect.objectContaining({ code: 'usage' }))
  })

  it('is made up of the time where none is given, and is then a valid one', () => {
    const time = new Date('2026-11-22T03:00:33.999Z')
    expect(compactTime(time)).toBe('20261122T030033Z')
    expect(caseName(madeUpCaseName(time))).toBe('case-20261122T030033Z')
  })
})
