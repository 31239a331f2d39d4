import type { VerifyReport } from '../engine/verify.js'
import { formatBytes } from '../text/bytes.js'
import { counted } from '../text/count.js'
import { Screen } from './screen.js'

const HEADLINE: Readonly<Record<VerifyReport['verdict'], string>> = {
  whole: 'WHOLE, UNCHANGED SINCE IT WAS SEALED, NOT SIGNED',
  incomplete: 'UNCHANGED, BUT LABELLED INCOMPLETE, NOT SIGNED',
  unsealed: 'A RUN NOT YET SEALED',
  cut: 'CUT OFF',
  'broken-chain': 'BROKEN LOG',
  corrupt: 'CORRUPT',
}
const SHOWN_PROBLEMS = 20

/** What verify found, a line a check; what is wrong comes first. */
export function verifyScreen(report: VerifyReport): string {
  const screen = new Screen()
  screen.head(`${HEADLINE[report.verdict]}   ${report.archive}`)
  if (report.incompleteWhy !== null) screen.row('incomplete', report.incompleteWhy)
  const shown = report.problems.slice(0, SHOWN_PROBLEMS)
  screen.row(
    'WRONG',
    ...shown.map(
      ({ check, path, message }) => `${check}: ${path === undefined ? '' : `${path}: `}${message}`,
    ),
  )
  const hidden = report.problems.length - shown.length + report.problemsLeftOut
  if (hidden > 0) screen.row('', `and ${hidden} more: --json has them`)
  for (const { name, ok, detail } of report.checks) {
    screen.row(ok === null ? 'not done' : ok ? 'ok' : 'FAILED', `${name.padEnd(17)} ${detail}`)
  }
  const size = report.bytes === null ? '' : `, ${formatBytes(report.bytes)}`
  screen.row('files', `${counted(report.files, 'file')}${size}`)
  if (report.sha256 !== null) screen.row('sha256', report.sha256)
  if (report.logHead !== null) screen.row('log head', report.logHead)
  return screen.toString()
}
