import Mustache from 'mustache'

import { forMarkdownBlock, forMarkdownCode, forMarkdownInline } from '../text/markdown.js'
import type { ReportModel, Sentence } from './model.js'

/** Most characters of running text; quoted values have fewer. */
const LONGEST_TEXT = 2_000

/** Markdown that needs no more escaping. */
class Rendered {
  readonly #render: () => string

  constructor(render: () => string) {
    this.#render = render
  }

  toString(): string {
    return this.#render()
  }
}

/**
 * A string of the model as a template sees it: {{name}} as running text, {{name.code}} as a code span, {{name.block}} and
 * {{name.sh}} as a fenced block of its own lines. Each is inert, with two braces as well as with three. A template
 * puts no backticks of its own around a value: that is what {{name.code}} is for.
 */
class Value extends Rendered {
  readonly #text: string

  constructor(text: string) {
    super(() => forMarkdownInline(text, { maxLength: LONGEST_TEXT }))
    this.#text = text
  }

  get code(): Rendered {
    return new Rendered(() => forMarkdownCode(this.#text))
  }

  get block(): Rendered {
    return new Rendered(() => forMarkdownBlock(this.#text))
  }

  get sh(): Rendered {
    return new Rendered(() => forMarkdownBlock(this.#text, 'sh'))
  }
}

/** The model with every string and sentence wrapped; the empty string stays, so that sections see it as false. */
function viewOf(value: unknown): unknown {
  if (typeof value === 'string') return value === '' ? '' : new Value(value)
  if (Array.isArray(value)) return value.map(viewOf)
  if (typeof value !== 'object' || value === null) return value
  if (isSentence(value)) return new Rendered(() => sentenceMarkdown(value))
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, viewOf(inner)]))
}

function isSentence(value: object): value is Sentence {
  return 'parts' in value && Array.isArray(value.parts)
}

function sentenceMarkdown({ parts }: Sentence): string {
  return parts.reduce((text, { say, value }) => {
    const lineStart = text === ''
    const next = forMarkdownInline(say, { maxLength: LONGEST_TEXT, lineStart }) + forMarkdownCode(value)
    // fences that touch would become one
    return text.endsWith('`') && next.startsWith('`') ? `${text} ${next}` : text + next
  }, '')
}

/** The report as Markdown, by a mustache template over the model. Whatever the model quotes is inert in the result. */
export function renderMarkdown(model: ReportModel, template: string): string {
  return tidy(Mustache.render(template, viewOf(model), {}, { escape: String }))
}

/** next-steps.md, in the same way. */
export function renderNextSteps(model: ReportModel, template: string): string {
  return renderMarkdown(model, template)
}

/** One blank line where sections that say nothing left several; blocks keep theirs. */
function tidy(markdown: string): string {
  const kept: string[] = []
  let fence: string | undefined
  for (const line of markdown.trim().split('\n')) {
    if (fence === undefined && line.trim() === '' && kept.at(-1) === '') continue
    const mark = /^`{3,}/.exec(line)?.[0]
    if (fence === undefined) fence = mark
    else if (line === fence) fence = undefined
    kept.push(fence === undefined ? line.trimEnd() : line)
  }
  return `${kept.join('\n')}\n`
}
