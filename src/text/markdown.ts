import { visible } from './visible.js'

export interface MarkdownOptions {
  /** Most characters shown; escapes of Markdown's own don't count. */
  readonly maxLength?: number
}

export interface InlineOptions extends MarkdownOptions {
  /** False where something else stands before it in its line; true if not said. */
  readonly lineStart?: boolean
}

const VALUE_LENGTH = 300
const BLOCK_LENGTH = 20_000

/** Active anywhere in a line of CommonMark, GFM, or of the template languages that are run over Markdown files. */
const PUNCTUATION = /[\\`*_[\]<>#|~&${}!^]/g
/** Active at a line's start: lists, headings' underlines, quotes, delimiter rows of tables. */
const LINE_START = /^( ?)([-+=:%]|\d{1,9}(?=[.)](?: |$)))/
/** What renderers turn into links without being asked; escapes don't stop them, code spans do. */
const AUTOLINKED = /:\/\/|\/\/|@|www\.|\.\p{L}|(?:mailto|xmpp|javascript|data|vbscript):/iu

/**
 * One line of running text that renders as itself, wherever in a line it stands: also in a table's cell. A word that a
 * renderer would turn into a link by itself becomes a code span. Source: CommonMark 0.31, GFM 0.29.
 */
export function forMarkdownInline(text: string, options: InlineOptions = {}): string {
  const shown = visible(text, { maxLength: options.maxLength ?? VALUE_LENGTH, lineBreaks: 'show' })
  const escaped = shown.replaceAll(/ {2,}/g, ' ').replaceAll(/[^ ]+/g, (word) => {
    if (!AUTOLINKED.test(word)) return word.replaceAll(PUNCTUATION, '\\$&')
    // what ends a word in a list is none of the name's
    const name = word.replace(/(?<=[^,;])[,;]$/, '')
    return codeSpans(name) + word.slice(name.length)
  })
  if (options.lineStart === false) return escaped
  return escaped.replace(LINE_START, (_match, space: string, mark: string) =>
    /^\d/.test(mark) ? `${space}${mark}\\` : `${space}\\${mark}`,
  )
}

/**
 * One line as a code span: for names, paths, digests and other people's words. Renders as itself, also in a table's cell;
 * blanks that a page would swallow are shown as ␠. Empty text gives an empty string. Keep a character between two spans:
 * fences that touch become one.
 */
export function forMarkdownCode(text: string, options: MarkdownOptions = {}): string {
  return codeSpans(visible(text, { maxLength: options.maxLength ?? VALUE_LENGTH, lineBreaks: 'show' }))
}

/** A table's cell: a code span of which every bar is escaped. The same as {@link forMarkdownCode}, which is safe there. */
export function forMarkdownTableCell(text: string, options: MarkdownOptions = {}): string {
  return forMarkdownCode(text, options)
}

/** Several lines as a fenced block, to stand at a line's start; `language` is ours, never the cluster's. */
export function forMarkdownBlock(text: string, language = '', options: MarkdownOptions = {}): string {
  const shown = visible(text, { maxLength: options.maxLength ?? BLOCK_LENGTH, lineBreaks: 'keep' })
  const fence = fenceFor(shown, 3)
  return `${fence}${language}\n${shown.replace(/\n+$/, '')}\n${fence}`
}

/** A bar splits a table's cell even inside of a code span, so it stands between spans, escaped. */
function codeSpans(shown: string): string {
  return showBlanks(shown)
    .split('|')
    .map((piece) => (piece === '' ? '' : codeSpan(piece)))
    .join('\\|')
}

function codeSpan(text: string): string {
  const fence = fenceFor(text, 1)
  // CommonMark 6.1: one blank on both sides is taken away, unless there is nothing else
  const padded = /^`|`$/.test(text) || (/^ .* $/.test(text) && /[^ ]/.test(text)) ? ` ${text} ` : text
  return `${fence}${padded}${fence}`
}

function fenceFor(text: string, shortest: number): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 0)
  return '`'.repeat(Math.max(shortest, longest + 1))
}

function showBlanks(text: string): string {
  return text.replaceAll(/ {2,}|^ | $/g, (blanks) => '\u2420'.repeat(blanks.length))
}
