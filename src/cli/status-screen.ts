import type { HoldFaultCode, HoldStatus, QuarantineChange, QuarantineStatus } from '../model/hold-status.js'
import { counted } from '../text/count.js'
import { formatDuration } from '../text/duration.js'
import { forShell } from '../text/shell.js'
import { forTerminal } from '../text/terminal.js'
import { formatClock } from '../text/time.js'
import { atMost, Screen } from './screen.js'

/** Of each kind, for one pod; --json has them all. */
const LIMIT = 20

const HEADLINES = {
  holds: 'HOLDS',
  'does-not-hold': 'DOES NOT HOLD',
  'pod-gone': 'POD GONE',
  unknown: 'NOT KNOWN',
} as const

/** All that is held, and whether it stands. */
export function statusScreen(status: QuarantineStatus): string {
  const screen = new Screen()
  const where = status.namespace === undefined ? 'every namespace' : `namespace ${status.namespace}`
  const { holds } = status
  const count = holds.length === 0 ? 'nothing is held' : counted(holds.length, 'pod')
  screen.head(
    `QUARANTINE   ${status.cluster.context}   ${where}   ${count}`,
    formatClock(new Date(status.at)),
  )
  for (const hold of holds) holdRows(screen, hold, status.at)
  if (holds.length > 0) screen.row('not tried', ...status.notTried)
  return screen.toString()
}

function holdRows(screen: Screen, hold: HoldStatus, at: string): void {
  screen.head(`${HEADLINES[hold.state]}   ${titleOf(hold)}   uid ${hold.uid.slice(0, 8)}`)
  screen.row('held by', ...heldBy(hold, at))
  const wrong = hold.faults.map(({ message }) => message)
  screen.row('wrong', ...atMost(wrong, LIMIT))
  screen.row('stands', ...atMost(hold.stands, LIMIT))
  screen.row('not seen', ...atMost(hold.notSeen, LIMIT))
  screen.row('known from', hold.knownFrom.map((source) => SOURCES[source]).join(', '))
  screen.row('next', ...nextSteps(hold))
}

const SOURCES = {
  annotation: 'its annotation',
  label: 'its label',
  policy: 'the NetworkPolicy',
  state: "this machine's record",
} as const

function titleOf({ namespace, name }: HoldStatus): string {
  return `${namespace}/${name ?? '(name not known)'}`
}

function heldBy({ case: caseName, who, since }: HoldStatus, at: string): readonly string[] {
  const parts = [
    caseName === undefined ? 'case not known' : `case ${caseName}`,
    ...(who === undefined ? [] : [who]),
    ...(since === undefined ? [] : [`since ${since}${ago(since, at)}`]),
  ]
  return [parts.join(', ')]
}

/** The two clocks are those of two machines: nothing is said of a time to come. */
function ago(since: string, at: string): string {
  const span = Date.parse(at) - Date.parse(since)
  return span >= 0 ? ` (${formatDuration(span)})` : ''
}

/** What another run of the case puts right. */
const MENDED_BY_QUARANTINE: ReadonlySet<HoldFaultCode> = new Set([
  'no-label',
  'labels-back',
  'no-policy',
  'no-annotation',
])

/** The commands that put a hold right, and that end it. */
function nextSteps(hold: HoldStatus): readonly string[] {
  const { state, name, namespace, case: caseName } = hold
  if (name === undefined || state === 'holds' || state === 'unknown') return []
  const target = `${forShell(name)} -n ${forShell(namespace)}`
  const mend =
    caseName !== undefined && hold.faults.some(({ code }) => MENDED_BY_QUARANTINE.has(code))
      ? [`put what is missing back: impound quarantine ${target} --case ${forShell(caseName)}`]
      : []
  return [...mend, `take back what is left: impound release ${target}`]
}

/** What --watch saw change, a line for each thing. */
export function changeLines(change: QuarantineChange): readonly string[] {
  const { hold, appeared, mended } = change
  const head = `${formatClock(new Date(change.at))}  ${titleOf(hold)}  `
  const state = change.change === 'released' ? 'no longer held: no trace is left' : HEADLINES[hold.state]
  const held = change.change === 'held' ? `held by ${heldBy(hold, change.at).join('')}: ` : ''
  return [
    `${held}${state}`,
    ...atMost(
      appeared.map(({ message }) => `wrong: ${message}`),
      LIMIT,
    ),
    ...atMost(
      mended.map(({ message }) => `no longer: ${message}`),
      LIMIT,
    ),
  ].map((text) => forTerminal(head + text, { maxLength: 400 }))
}
