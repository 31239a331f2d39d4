import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { describe, expect, it } from '@jest/globals'
import MarkdownIt from 'markdown-it'

import { buildReport, renderMarkdown, renderNextSteps } from '../../src/report/index.js'
import { HOSTILE } from '../text/hostile-corpus.js'
import { hostileCase } from './hostile-case.js'

const templates = ['report.md', 'next-steps.md'].map((name) =>
  readFileSync(resolve(import.meta.dirname, '../../templates', name), 'utf8'),
)
const eager = new MarkdownIt({ html: true, linkify: true })
const QUOTES = new Set(['text', 'text_special', 'code_inline', 'inline'])

function documentsOf(text: string): readonly string[] {
  const model = buildReport(hostileCase(text))
  return [renderMarkdown(model, templates[0]!), renderNextSteps(model, templates[1]!)]
}

/** What a renderer makes of it, the quoted text left out. */
function structureOf(markdown: string): readonly string[] {
  return eager
    .parse(markdown, {})
    .flatMap((token) => [token, ...(token.children ?? [])])
    .filter(({ type }) => !QUOTES.has(type))
    .map(({ type, tag }) => `${type} ${tag}`)
}

const harmless = documentsOf('x').map(structureOf)

describe('a report whose every quoted text is hostile', () => {
  it.each(HOSTILE.filter(([, text]) => text !== ' '))(
    'has the structure of a harmless one: %s',
    (_idea, text) => {
      const documents = documentsOf(text)
      expect(documents.map(structureOf)).toEqual(harmless)
      for (const document of documents) {
        expect(document.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}]/u)
        expect(document.length).toBeLessThan(600_000)
      }
    },
  )

  it('has no link, image, or HTML in it to begin with', () => {
    expect(harmless.flat().filter((kind) => /link|image|html/.test(kind))).toEqual([])
  })

  it('stays inert under a template that escapes nothing', () => {
    const careless = '{{{case}}} {{&case}} {{case}}\n\n- {{{case}}}\n'
    for (const [, text] of HOSTILE) {
      const html = eager.render(renderMarkdown(buildReport(hostileCase(text)), careless))
      expect(html).not.toMatch(/<(?!\/?(?:p|ul|li|code)>)/)
    }
  })
})
