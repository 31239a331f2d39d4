/** What becomes of line breaks: 'show' them as one-character pictures, or 'keep' LF (CR LF counts as one). */
type LineBreaks = 'show' | 'keep'

export interface VisibleOptions {
  /** Most code points of the result, the mark of a cut included. */
  readonly maxLength: number
  readonly lineBreaks: LineBreaks
}

/** Stands at the end of text that was cut. */
export const CUT_MARK = '…'

/**
 * Characters that can't be seen or that act on what stands around them: controls, bidirectional and other format
 * characters, line separators, blanks that are no space, private use, lone surrogates, noncharacters, and the pictures
 * that stand for them here, so that a picture in the result always means the character.
 * Source: Unicode general categories and Default_Ignorable_Code_Point (UAX #44).
 */
const HIDDEN = /^(?:[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{DI}\p{NChar}\u2400-\u2426\u2800]|(?! )\p{Zs})$/u
const COMBINING = /^\p{M}$/u
const PLAIN = /^[\x20-\x7e]*$/

/** More marks than this on one base are shown by number: stacked marks reach into the lines around them. */
const MOST_MARKS = 4

/**
 * Text in which nothing hides and nothing acts: what a reader couldn't see is written as a control picture (ESC as ␛)
 * or as \u{202e}. Work is bounded by `maxLength`, not by the text. An escape is never cut in the middle.
 */
export function visible(text: string, options: VisibleOptions): string {
  const { maxLength } = options
  if (text.length <= maxLength && PLAIN.test(text)) return text
  // a code point has at most two units; one more tells whether there is more
  const head = text.slice(0, 2 * maxLength + 2)
  const source = options.lineBreaks === 'keep' ? head.replaceAll('\r\n', '\n') : head
  const shown: string[] = []
  let length = 0
  let marks = MOST_MARKS
  for (const character of source) {
    marks = COMBINING.test(character) ? marks + 1 : 0
    const piece =
      marks > MOST_MARKS || mustShow(character, options.lineBreaks) ? escapeOf(character) : character
    shown.push(piece)
    length += lengthOf(piece)
    if (length > maxLength) return cut(shown, length, maxLength)
  }
  return shown.join('')
}

function mustShow(character: string, lineBreaks: LineBreaks): boolean {
  if (lineBreaks === 'keep' && (character === '\n' || character === '\t')) return false
  return HIDDEN.test(character)
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return `\\u{${code.toString(16)}}`
}

/** In code points: a piece is one of them (two units at most) or an ASCII escape. */
function lengthOf(piece: string): number {
  return piece.length <= 2 ? 1 : piece.length
}

function cut(pieces: readonly string[], length: number, maxLength: number): string {
  let end = pieces.length
  for (let left = length; end > 0 && left > maxLength - 1; end -= 1) left -= lengthOf(pieces[end - 1] ?? '')
  return `${pieces.slice(0, end).join('')}${CUT_MARK}`
}
