import { visible } from './visible.js'

export interface TerminalOptions {
  /** Most characters of the result; 2,000 if not said. */
  readonly maxLength?: number
  /** False keeps line feeds and tabs; true, if not said, shows them as ␊ and ␉. */
  readonly singleLine?: boolean
}

/**
 * Text from the cluster as a terminal may have it: no escape sequence, control, bidirectional or invisible character is
 * left, each is made visible. Safe to put into a line of ours; color it after, not before.
 */
export function forTerminal(text: string, options: TerminalOptions = {}): string {
  return visible(text, {
    maxLength: options.maxLength ?? 2_000,
    lineBreaks: (options.singleLine ?? true) ? 'show' : 'keep',
  })
}
