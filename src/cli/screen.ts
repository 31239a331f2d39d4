import { forTerminal } from '../text/terminal.js'

const LABEL_WIDTH = 10

/** A screen of labelled lines: 'owner     Deployment web'; a second line of the same label is indented under the first. */
export class Screen {
  private readonly lines: string[] = []

  /** A head line; what stands at the right is set apart. */
  head(left: string, right = ''): void {
    const text = forTerminal(left)
    this.lines.push(
      right === '' ? text : `${text}${' '.repeat(Math.max(3, 90 - text.length - right.length))}${right}`,
    )
  }

  /** One line for each text; nothing at all where there are none. Every text is neutralised here. */
  row(label: string, ...texts: readonly string[]): void {
    for (const [index, text] of texts.entries()) {
      const head = index === 0 ? label.padEnd(LABEL_WIDTH) : ' '.repeat(LABEL_WIDTH)
      this.lines.push(`${head.endsWith(' ') ? head : `${head} `}${forTerminal(text, { maxLength: 400 })}`)
    }
  }

  toString(): string {
    return `${this.lines.join('\n')}\n`
  }
}

/** At most `limit` of the texts, and how many more there are. */
export function atMost(texts: readonly string[], limit: number): readonly string[] {
  if (texts.length <= limit) return texts
  return [...texts.slice(0, limit - 1), `and ${texts.length - limit + 1} more`]
}
