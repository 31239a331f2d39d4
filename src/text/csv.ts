import { visible } from './visible.js'

/** What a spreadsheet takes for a formula, full-width forms included. Source: OWASP, CSV Injection. */
const FORMULA = /^[\s'"]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]/

/**
 * A cell of text, always quoted (RFC 4180), with nothing hidden in it; what a spreadsheet would compute starts with an
 * apostrophe. Not for numbers of ours: '-5' is guarded too.
 */
export function forCsvCell(text: string, options: { readonly maxLength?: number } = {}): string {
  // spreadsheets hold 32,767 characters in a cell and drop or spill the rest
  const shown = visible(text, { maxLength: options.maxLength ?? 32_000, lineBreaks: 'show' })
  return `"${FORMULA.test(shown) ? "'" : ''}${shown.replaceAll('"', '""')}"`
}
