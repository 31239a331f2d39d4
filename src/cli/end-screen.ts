import type { RunResult, TargetResult } from '../engine/result.js'
import { counted } from '../text/count.js'
import { formatDuration } from '../text/duration.js'
import { forShell } from '../text/shell.js'
import { formatClock } from '../text/time.js'
import { nodePodResultRows } from './node-pod-rows.js'
import { archiveRows } from './seal-screen.js'
import { atMost, Screen } from './screen.js'
import { shortPath } from './short-path.js'

/** What came of a run: every word is earned by data of the result. */
export function endScreen(result: RunResult): string {
  const screen = new Screen()
  const [first] = result.targets
  const what =
    result.targets.length === 1 && first !== undefined
      ? `${first.namespace}/${first.name}`
      : counted(result.targets.length, 'pod')
  screen.head(`${headline(result)}   ${result.case}   ${what}`, formatClock(new Date(result.endedAt)))
  for (const target of result.targets) containmentRows(screen, target, result)
  evidenceRows(screen, result)
  for (const target of result.targets) changedRows(screen, target)
  for (const target of result.targets) accountRow(screen, target)
  for (const target of result.targets) clusterRow(screen, target)
  for (const target of result.targets) killRow(screen, target)
  nodePodResultRows(screen, result)
  if (result.archive !== undefined) archiveRows(screen, result.archive)
  else if (result.spool !== undefined) {
    const spool = shortPath(result.spool)
    screen.row('spool', spool, `seal it: impound seal ${forShell(spool)}`)
  }
  screen.row('because', ...result.because)
  screen.row('undo', ...result.targets.flatMap(({ containment }) => containment?.undo ?? []))
  return screen.toString()
}

function headline(result: RunResult): string {
  const words: string[] = []
  if (result.command !== 'snapshot') words.push(containmentWord(result.targets))
  if (result.command !== 'quarantine') words.push(evidenceWord(result))
  return words.join(', ')
}

function containmentWord(targets: readonly TargetResult[]): string {
  if (targets.length === 0) return 'NOT CONTAINED'
  const verdicts = targets.map(({ containment }) =>
    containment?.error === undefined ? containment?.verdict?.kind : undefined,
  )
  if (verdicts.length > 0 && verdicts.every((kind) => kind === 'enforced')) return 'CONTAINED'
  if (verdicts.includes(undefined) || verdicts.includes('not-enforced')) return 'NOT CONTAINED'
  return verdicts.includes('partial') ? 'CONTAINED IN PART' : 'CONTAINMENT APPLIED, NOT VERIFIED'
}

function evidenceWord({ archive }: RunResult): string {
  if (archive === undefined) return 'EVIDENCE NOT SEALED'
  if (archive.incomplete) return 'EVIDENCE SEALED, INCOMPLETE'
  return archive.verified ? 'EVIDENCE SEALED' : 'EVIDENCE SEALED, NOT VERIFIED'
}

function containmentRows(screen: Screen, target: TargetResult, result: RunResult): void {
  const { name, containment } = target
  if (containment === undefined) return
  const { verdict, afterMs, error } = containment
  const { requests, changes } = result.footprint
  const footprint = `${counted(requests, 'request')}, ${counted(changes, 'change')}`
  if (error === undefined && afterMs !== undefined) {
    const at = verdict?.inForceAt === undefined ? '' : `${formatClock(new Date(verdict.inForceAt))}, `
    screen.row('accepted', `${at}${formatDuration(afterMs)} after your yes; ${footprint}`)
  }
  if (error !== undefined) screen.row('FAILED', `${name}: ${error.message}`, ...error.hints)
  for (const { action, error: failed } of containment.actions) {
    if (failed !== undefined) screen.row('FAILED', `${action}: ${failed.message}`, ...failed.hints)
  }
  if (verdict === undefined) return
  screen.row('verdict', `${verdict.kind}: ${verdict.why}`, ...verdict.tried)
  screen.row('STILL OPEN', ...atMost([...connectionLines(target), ...verdict.open], 12))
}

/** What its own kernel still has. Nobody tried whether packets pass. */
function connectionLines({ connections = [] }: TargetResult): readonly string[] {
  const lines = connections.map(({ local, remote, holders, after }) => {
    const holder = holders[0] === undefined ? '' : ` (${holders[0]})`
    return `${local} → ${remote}${holder}${after === 'new' ? ', new since the cut' : ''}`
  })
  return atMost(lines, 6)
}

function evidenceRows(screen: Screen, { evidence, command }: RunResult): void {
  if (command === 'quarantine') return
  const { collected, partial, failed, skipped } = evidence.counts
  screen.row('evidence', `${collected} collected, ${partial} partial, ${failed} failed, ${skipped} skipped`)
  const described = evidence.missing.map((row) =>
    [
      row.status.padEnd(8),
      `${row.subject}: ${row.reason ?? ''}`,
      ...(row.detail === undefined ? [] : [`(${row.detail})`]),
    ].join(' '),
  )
  screen.row('', ...atMost(described, 12))
}

function changedRows(screen: Screen, { name, changedFiles }: TargetResult): void {
  for (const { container, counts, complete, notable } of changedFiles) {
    const kinds = Object.entries(counts).filter(([, count]) => count > 0)
    const changes = kinds.map(([kind, count]) => `${count} ${kind}`).join(', ') || 'no change'
    screen.row(
      'files',
      `${name} ${container}: ${changes}${complete ? '' : ', AND THE CAPTURE IS NOT COMPLETE'}`,
      ...notable.map(({ path, change, flags }) => `${change} ${path} (${flags.join(', ')})`),
    )
  }
}

function accountRow(screen: Screen, { account }: TargetResult): void {
  if (account === undefined || (account.can.length === 0 && account.complete)) return
  const { can, complete } = account
  const known = can.length === 0 ? ': what it can do is not known' : ' can'
  screen.row(
    'account',
    `${account.account}${known}${can.length > 0 && !complete ? ', and maybe more than was seen' : ''}`,
    ...can,
  )
}

function clusterRow(screen: Screen, { name, after }: TargetResult): void {
  if (after === undefined) return
  const restarts = after.suspect === 'alive' ? `, ${counted(after.restarts, 'restart')} since` : ''
  screen.row(
    'cluster',
    `${name} ${after.suspect}${restarts}`,
    ...(after.replacements ?? []).map(
      (pod) =>
        `replacement ${pod.name} ${pod.ready ? 'Ready' : 'not Ready'}: look at it, it runs the same image`,
    ),
    ...after.unknown.map((line) => `not known: ${line}`),
  )
}

const KILLED = {
  gone: 'is gone',
  'being-deleted': 'is being deleted',
  'not-done': 'WAS NOT DELETED',
  failed: 'WAS NOT DELETED',
} as const

function killRow(screen: Screen, { name, kill }: TargetResult): void {
  if (kill === undefined) return
  screen.row('kill', `${name} ${KILLED[kill.state]}${kill.why === undefined ? '' : `: ${kill.why}`}`)
}
