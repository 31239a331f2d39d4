import type { Preflight, PreflightRow } from '../model/preflight.js'
import { formatClock } from '../text/time.js'
import { Screen } from './screen.js'

const AREAS: readonly PreflightRow['area'][] = [
  'cluster',
  'evidence',
  'containment',
  'node',
  'registry',
  'local',
]
const NAME_WIDTH = 28

/** One table: what will work, be partial, be missing, and why. What the flags do not ask for is in brackets. */
export function preflightScreen(found: Preflight): string {
  const screen = new Screen()
  const { target, namespace, cluster, rows } = found
  const what = target === undefined ? `any pod in ${namespace}` : `${namespace}/${target.name}`
  screen.head(`PREFLIGHT   ${found.for}   ${what}   ${cluster.context}`, formatClock(new Date(found.at)))
  for (const area of AREAS) {
    const own = rows.filter((row) => row.area === area)
    if (own.length === 0) continue
    screen.head(area.toUpperCase())
    for (const row of own) {
      const name = row.asked || area === 'cluster' || area === 'local' ? row.name : `(${row.name})`
      const [first = '', ...more] = row.why
      screen.row(
        row.state,
        first === '' ? name : `${name.padEnd(NAME_WIDTH)} ${first}`,
        ...more.map((line) => `${' '.repeat(NAME_WIDTH)} ${line}`),
      )
    }
  }
  return screen.toString()
}
