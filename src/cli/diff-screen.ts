import type { ComparisonDocument, ComparisonSide, DiffEntry } from '../model/filesystem-documents.js'
import { formatBytes } from '../text/bytes.js'
import { counted } from '../text/count.js'
import { atMost, Screen } from './screen.js'

const SHOWN_SETTINGS = 40
const SHOWN_FILES = 60
const VALUE_LENGTH = 120

/** What differs from A to B: how many files, the settings, then the files, the oddest first. */
export function diffScreen(document: ComparisonDocument): string {
  const screen = new Screen()
  screen.head(document.differs ? 'DIFFERENT' : document.complete ? 'THE SAME' : 'NO DIFFERENCE SEEN')
  screen.row('A', ...sideRows(document.a))
  screen.row('B', ...sideRows(document.b))
  screen.row('NOT WHOLE', ...document.notes)
  if (document.layers !== undefined) {
    const { shared, a, b } = document.layers
    screen.row('layers', `${shared} in both, ${a} in A alone, ${b} in B alone`)
  }
  const kinds = Object.entries(document.counts).filter(([, count]) => count > 0)
  screen.row('files', kinds.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'no difference')
  screen.row('settings', ...atMost(document.config.flatMap(settingRows), SHOWN_SETTINGS))
  const shown = document.entries.slice(0, SHOWN_FILES)
  screen.row('changes', ...shown.map(fileRow))
  const more = document.entries.length - shown.length + document.entriesLeftOut
  if (more > 0) screen.row('', `and ${more} more: --json has ${document.entries.length}`)
  return screen.toString()
}

function sideRows(side: ComparisonSide): readonly string[] {
  const whose = side.container === undefined ? '' : `  ${side.pod ?? ''} ${side.container}`
  const digest = side.manifestDigest ?? side.configDigest
  return [
    `${side.given}${whose}`,
    [
      side.platform ?? (side.trust === undefined ? '' : `trust: ${side.trust}`),
      digest === undefined ? '' : `image ${digest}`,
      counted(side.entries, side.source === 'capture' ? 'line' : 'file'),
    ]
      .filter((part) => part !== '')
      .join(', '),
  ]
}

function settingRows({ what, a, b }: ComparisonDocument['config'][number]): readonly string[] {
  return [
    ...(a === undefined ? [] : [`- ${what}: ${cut(a)}`]),
    ...(b === undefined ? [] : [`+ ${what}: ${cut(b)}`]),
  ]
}

function cut(value: string): string {
  return value.length <= VALUE_LENGTH
    ? value
    : `${value.slice(0, VALUE_LENGTH)}… (${value.length} characters)`
}

function fileRow({ path, change, changed, flags, before, after }: DiffEntry): string {
  const size =
    before !== undefined && after !== undefined && before.size !== after.size
      ? ` ${formatBytes(before.size)} → ${formatBytes(after.size)}`
      : ''
  const mode =
    before !== undefined && after !== undefined && before.mode !== after.mode
      ? ` ${before.mode} → ${after.mode}`
      : ''
  const aspects = changed.length === 0 ? '' : ` [${changed.join(', ')}]`
  const odd = flags.length === 0 ? '' : ` (${flags.join(', ')})`
  return `${change} ${path}${mode}${size}${aspects}${odd}`
}
