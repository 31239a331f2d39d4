import { describe, expect, it } from '@jest/globals'

import { forCsvCell } from '../../src/text/csv.js'
import { HOSTILE } from './hostile-corpus.js'

describe('forCsvCell', () => {
  it.each([
    ['plain', '"plain"'],
    ['a,b;c', '"a,b;c"'],
    ['say "x"', '"say ""x"""'],
    ['=1+1', `"'=1+1"`],
    [' =1+1', `"' =1+1"`],
    ['-1', `"'-1"`],
    ['＝1', `"'＝1"`],
    ['\t=1', '"␉=1"'],
    ['a\nb', '"a␊b"'],
    ['', '""'],
  ])('writes %j as %s', (text, cell) => {
    expect(forCsvCell(text)).toBe(cell)
  })

  it.each(HOSTILE)('keeps %s in one cell that computes nothing', (_idea, text) => {
    const cell = forCsvCell(text)
    expect(cell).toMatch(/^"(?:[^"\n\r]|"")*"$/)
    expect(cell.slice(1)).not.toMatch(/^[\s'"]*[=+\-@|%＝＋－＠](?<!^'.*)/)
    expect(cell.length).toBeLessThan(70_000)
  })
})
