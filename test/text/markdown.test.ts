import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import MarkdownIt from 'markdown-it'

import {
  forMarkdownBlock,
  forMarkdownCode,
  forMarkdownInline,
  forMarkdownTableCell,
} from '../../src/text/markdown.js'
import { visible } from '../../src/text/visible.js'
import { HOSTILE } from './hostile-corpus.js'

/** The most a renderer may do: HTML passed through, links found, quotes changed. */
const eager = new MarkdownIt({ html: true, linkify: true })

type Token = ReturnType<typeof eager.parse>[number]

function tokensOf(markdown: string): readonly Token[] {
  return eager.parse(markdown, {}).flatMap((token) => [token, ...(token.children ?? [])])
}

function kindsOf(markdown: string): readonly string[] {
  return tokensOf(markdown).map((token) => token.type)
}

function textOf(markdown: string): string {
  return tokensOf(markdown)
    .filter((token) => ['text', 'text_special', 'code_inline', 'softbreak'].includes(token.type))
    .map((token) => token.content)
    .join('')
}

/** Where a template may put a value, and what is there without it. */
const PLACES: readonly (readonly [place: string, around: (value: string) => string])[] = [
  ['alone', (value) => value],
  ['below a line', (value) => `before\n${value}`],
  ['above a line', (value) => `${value}\nafter`],
  ['in a sentence', (value) => `The pod ${value} was seized.`],
  ['in a heading', (value) => `## Pod ${value}`],
  ['in a list', (value) => `- ${value}\n- next`],
  ['in a quote', (value) => `> ${value}`],
  ['in a cell', (value) => `| a | b |\n| --- | --- |\n| ${value} | ${value} |`],
]

const FORMS = [
  ['inline', forMarkdownInline],
  ['code', forMarkdownCode],
  ['cell', forMarkdownTableCell],
] as const

const PASSIVE = new Set(['text', 'text_special', 'code_inline', 'inline'])

function structureOf(markdown: string): readonly string[] {
  return kindsOf(markdown).filter((kind) => !PASSIVE.has(kind))
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          '`',
          '``',
          '|',
          '\\',
          '*',
          '_',
          '[',
          ']',
          '(',
          ')',
          '<',
          '>',
          '#',
          '-',
          '=',
          ':',
          '1.',
          '~',
          '!',
          '&',
          ' ',
        ],
        ...[
          '\n',
          'a',
          'b.com',
          'https://x.io',
          'www.',
          '@',
          '$',
          '{{',
          '}}',
          '<b>',
          '&lt;',
          'javascript:',
          '\t',
          '+',
        ],
      ),
      { minLength: 1, maxLength: 14 },
    )
    .map((parts) => parts.join('')),
)

describe.each(FORMS)('a value in Markdown as %s', (_form, render) => {
  it.each(HOSTILE)('keeps %s inert wherever it stands', (_idea, text) => {
    // a lone blank in running text is one, and a line of it is none
    const places = text === ' ' ? PLACES.filter(([place]) => place === 'in a sentence') : PLACES
    for (const [, around] of places) {
      expect(structureOf(around(render(text)))).toEqual(structureOf(around('x')))
    }
  })

  it('changes no structure, whatever the text', () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom(...PLACES), (text, [, around]) => {
        fc.pre(text.trim() !== '')
        expect(structureOf(around(render(text)))).toEqual(structureOf(around('x')))
      }),
      { numRuns: 800 },
    )
  })

  it('renders as what a reader may see of the text, blanks aside', () => {
    const plain = (text: string): string => text.replaceAll(/[ \u2420]/g, '')
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = visible(text, { maxLength: 300, lineBreaks: 'show' })
        expect(plain(textOf(`x ${render(text)} x`))).toBe(`x${plain(shown)}x`)
      }),
      { numRuns: 300 },
    )
  })

  it('stays short for a megabyte', () => {
    for (const [, text] of HOSTILE) expect(render(text).length).toBeLessThan(2_000)
  })
})

describe('forMarkdownInline', () => {
  it('leaves the comma behind a word that could be a link outside of its code span', () => {
    expect(forMarkdownInline('see a.example/x, b.example; and c.example,,')).toBe(
      'see `a.example/x`, `b.example`; and `c.example,,`',
    )
  })

  it.each([
    ['web-6dd6-x2x', 'web-6dd6-x2x'],
    ['- item', '\\- item'],
    ['12. item', '12\\. item'],
    ['a*b_c', 'a\\*b\\_c'],
    ['a|b', 'a\\|b'],
    ['a\n# b', 'a␊\\# b'],
    ['3.5 s (of 4)', '3.5 s (of 4)'],
    ['ana@corp.example', '`ana@corp.example`'],
    ['see https://x.example, and *this*', 'see `https://x.example`, and \\*this\\*'],
  ])('writes %j as %j', (text, markdown) => {
    expect(forMarkdownInline(text)).toBe(markdown)
  })

  it('leaves no punctuation of Markdown unescaped outside of code', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const words = forMarkdownInline(text).replaceAll(/\\[!-/:-@[-`{-~]|(`+)(?!`).*?(?<!`)\1(?!`)/g, '')
        expect(words).not.toMatch(/[\\`*_[\]<>#|~&${}]/)
      }),
    )
  })
})

describe('forMarkdownCode', () => {
  it.each([
    ['/tmp/x', '`/tmp/x`'],
    ['a`b', '``a`b``'],
    ['`a`', '`` `a` ``'],
    ['a|b', '`a`\\|`b`'],
    ['  sshd', '`␠␠sshd`'],
    ['a  b', '`a␠␠b`'],
    [' ', '`␠`'],
    ['', ''],
  ])('writes %j as %j', (text, markdown) => {
    expect(forMarkdownCode(text)).toBe(markdown)
  })
})

describe('forMarkdownBlock', () => {
  it.each(HOSTILE)('holds %s in one block', (_idea, text) => {
    const markdown = `before\n\n${forMarkdownBlock(text, 'sh')}\n\nafter`
    expect(structureOf(markdown)).toEqual([
      'paragraph_open',
      'paragraph_close',
      'fence',
      'paragraph_open',
      'paragraph_close',
    ])
  })

  it('keeps the lines', () => {
    expect(forMarkdownBlock('a\nb\n')).toBe('```\na\nb\n```')
    expect(forMarkdownBlock('a\n````\nb')).toBe('`````\na\n````\nb\n`````')
  })
})
