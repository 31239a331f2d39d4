import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { forTerminal } from '../../src/text/terminal.js'
import { CUT_MARK, visible } from '../../src/text/visible.js'
import { HOSTILE } from './hostile-corpus.js'

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.constantFrom(...HOSTILE.map(([, text]) => text.slice(0, 200))),
)
const ACTIVE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{DI}\u2800]/u

describe('visible', () => {
  it.each([
    ['\x1b[31m', '␛[31m'],
    ['a\nb\r\n\tc', 'a␊b␍␊␉c'],
    ['\x7f\x9b', '␡\\u{9b}'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['\ud800', '\\u{d800}'],
    ['a\u00a0b', 'a\\u{a0}b'],
    ['\u{e0041}', '\\u{e0041}'],
    ['␛', '\\u{241b}'],
    ['grüße 你好 🚀', 'grüße 你好 🚀'],
  ])('writes %j as %j', (text, shown) => {
    expect(visible(text, { maxLength: 100, lineBreaks: 'show' })).toBe(shown)
  })

  it('keeps four marks on a base and writes the others out', () => {
    const shown = visible(`e${'\u0301'.repeat(6)}`, { maxLength: 100, lineBreaks: 'show' })
    expect(shown).toBe(`e${'\u0301'.repeat(4)}\\u{301}\\u{301}`)
  })

  it('cuts at the length, mark included, and never inside an escape', () => {
    expect(visible('abcdef', { maxLength: 4, lineBreaks: 'show' })).toBe(`abc${CUT_MARK}`)
    expect(visible('ab\u202ecd', { maxLength: 8, lineBreaks: 'show' })).toBe(`ab${CUT_MARK}`)
    expect(visible('🚀🚀🚀', { maxLength: 2, lineBreaks: 'show' })).toBe(`🚀${CUT_MARK}`)
  })

  it('leaves text that just fits alone', () => {
    expect(visible('🚀🚀🚀', { maxLength: 3, lineBreaks: 'show' })).toBe('🚀🚀🚀')
  })

  it('leaves nothing active in any text and stays within the length', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 80 }), (text, maxLength) => {
        const shown = visible(text, { maxLength, lineBreaks: 'show' })
        expect(shown).not.toMatch(ACTIVE)
        expect(Array.from(shown).length).toBeLessThanOrEqual(maxLength)
      }),
    )
  })

  it('shows text without anything hidden as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', maxLength: 60 }), (text) => {
        expect(visible(text, { maxLength: 100, lineBreaks: 'show' })).toBe(text)
      }),
    )
  })

  it('shows two texts alike only where they are alike or spell an escape', () => {
    const withoutBackslash = anyText.filter((text) => !text.includes('\\'))
    fc.assert(
      fc.property(withoutBackslash, withoutBackslash, (a, b) => {
        const shown = (text: string): string => visible(text, { maxLength: 10_000, lineBreaks: 'show' })
        expect(shown(a) === shown(b)).toBe(a === b)
      }),
    )
  })
})

describe('forTerminal', () => {
  it.each(HOSTILE)('makes %s harmless', (_idea, text) => {
    const shown = forTerminal(text)
    expect(shown).not.toMatch(ACTIVE)
    expect(shown.length).toBeLessThanOrEqual(4_000)
  })

  it('keeps line feeds and tabs where several lines are meant, and nothing else', () => {
    expect(forTerminal('a\r\nb\tc\x1b', { singleLine: false })).toBe('a\nb\tc␛')
    expect(forTerminal('over\rwritten', { singleLine: false })).toBe('over␍written')
  })

  it('works on the length that is asked for, not on the length of the text', () => {
    const huge = '\u202e'.repeat(20_000_000)
    // flattens the rope that repeat() made
    expect(huge.charCodeAt(huge.length - 1)).toBe(0x202e)
    const before = process.cpuUsage()
    expect(Array.from(forTerminal(huge, { maxLength: 80 })).length).toBeLessThanOrEqual(80)
    // of the processor, not of a machine that has other things to do
    expect(process.cpuUsage(before).user).toBeLessThan(500_000)
  })
})
