import type { ReleaseResult } from '../engine/result.js'
import type { ReleasePlan } from '../model/release-plan.js'
import { Screen } from './screen.js'

const SOURCES = {
  journal: 'what the run journalled',
  annotation: "the pod's own annotation: others may have edited it",
} as const

/** What a release would do, before it is done. */
export function releasePlanScreen(plans: readonly ReleasePlan[]): string {
  const screen = new Screen()
  for (const plan of plans) {
    const { target, labels, adoption } = plan
    screen.head(`RELEASE  ${plan.case}  ${target.namespace}/${target.name}  uid ${target.uid.slice(0, 8)}`)
    screen.row('known from', SOURCES[plan.source])
    if (plan.podGone !== undefined) screen.row('pod', plan.podGone)
    const restored = Object.entries(labels.restore).map(([key, value]) => `${key}=${value}`)
    screen.row(
      'changes',
      ...(restored.length === 0 ? [] : [`~ labels back: ${restored.join(', ')}`]),
      ...(labels.quarantineLabel === 'leave' ? [] : [`~ quarantine label: ${labels.quarantineLabel}`]),
      ...plan.deletes.map((what) => `- ${what}`),
      ...plan.actions.flatMap(({ undoes, needs }) =>
        undoes.map((line) => `${line}${needs === undefined ? '' : '   [needs --allow node]'}`),
      ),
    )
    screen.row('left', ...plan.left)
    screen.row('then', adoption.says, ...adoption.dies.map(({ name, why }) => `dies: ${name} (${why})`))
    if (adoption.suspectDies) screen.row('CAREFUL', 'the suspect itself is likely to be deleted')
  }
  return screen.toString()
}

const FROM = {
  state: 'the state file of the run',
  archive: 'the archive',
  annotation: "the pod's annotation",
} as const

/** What a release did, what it left because somebody else had changed it, and what stopped it. */
export function releaseScreen(result: ReleaseResult): string {
  const screen = new Screen()
  for (const target of result.targets) {
    const { namespace, name, source, report, error } = target
    screen.head(`${headline(target)}   ${namespace}/${name}`)
    screen.row('undone', ...report.done)
    screen.row('left', ...report.left)
    if (error !== undefined) screen.row('stopped', error.message, ...error.hints)
    screen.row('known from', FROM[source])
  }
  return screen.toString()
}

function headline({ report, error }: ReleaseResult['targets'][number]): string {
  const nothing = report.done.length === 0
  if (error !== undefined) return nothing ? 'NOT RELEASED' : 'RELEASED IN PART'
  if (report.left.length > 0) return nothing ? 'NOTHING TAKEN BACK' : 'RELEASED, WITH REMAINDERS'
  return nothing ? 'NOTHING LEFT TO TAKE BACK' : 'RELEASED'
}
