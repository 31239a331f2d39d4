import { execFileSync } from 'node:child_process'

import { describe, expect, it } from '@jest/globals'

import { forShell } from '../../src/text/shell.js'
import { visible } from '../../src/text/visible.js'
import { HOSTILE } from './hostile-corpus.js'

describe('forShell', () => {
  it.each([
    ['web-6dd6-x2x', 'web-6dd6-x2x'],
    ['pod/web', 'pod/web'],
    ['a b', "'a b'"],
    ["it's", `'it'\\''s'`],
    ['-n', '-n'],
    ['=ls', "'=ls'"],
    ['', "''"],
    ['$(reboot)', "'$(reboot)'"],
    ['a\nreboot', "'a␊reboot'"],
  ])('writes %j as %s', (argument, word) => {
    expect(forShell(argument)).toBe(word)
  })

  it('gives a shell one word for each hostile text, and that word', () => {
    const words = HOSTILE.map(([, text]) => forShell(text)).join(' ')
    const seen = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${words}`], { encoding: 'utf8' })
    const expected = HOSTILE.map(([, text]) => visible(text, { maxLength: 1_000, lineBreaks: 'show' }))
    expect(seen.split('\0').slice(0, -1)).toEqual(expected)
  })
})
