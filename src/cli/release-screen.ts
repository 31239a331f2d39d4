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

/** What a release did, and what it left because somebody else had changed it. */
export function releaseScreen(result: ReleaseResult): string {
  const screen = new Screen()
  for (const { namespace, name, source, report } of result.targets) {
    screen.head(
      `${report.left.length === 0 ? 'RELEASED' : 'RELEASED, WITH REMAINDERS'}   ${namespace}/${name}`,
    )
    screen.row('undone', ...report.done)
    screen.row('left', ...report.left)
    screen.row('known from', FROM[source])
  }
  return screen.toString()
}
