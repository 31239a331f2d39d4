import { visible } from './visible.js'

const ENTITY: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
  '=': '&#61;',
}

export interface HtmlOptions {
  readonly maxLength?: number
  /** False keeps line feeds and tabs, for pre elements. */
  readonly singleLine?: boolean
}

/** Text for an element's content or a quoted attribute's value; not for URLs, scripts or styles. */
export function forHtml(text: string, options: HtmlOptions = {}): string {
  return visible(text, {
    maxLength: options.maxLength ?? 20_000,
    lineBreaks: (options.singleLine ?? true) ? 'show' : 'keep',
  }).replaceAll(/[&<>"'`=]/g, (character) => ENTITY[character] ?? '')
}
