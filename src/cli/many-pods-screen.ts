import type { RunPlan, TargetPlan } from '../engine/plan.js'
import { describeAccess } from '../model/api-path.js'
import { networkLines } from '../model/network-plugin.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { counted } from '../text/count.js'
import {
  credentialLines,
  disturbsRow,
  killPlanRow,
  missingRows,
  ownerLines,
  ownerOf,
  residualText,
  secretsRow,
  startsRow,
  staysOpen,
} from './plan-rows.js'
import { atMost, type Screen } from './screen.js'

/** Lines of one kind that a screen of many pods has at most; --json has them all. */
const LIMIT = 12
const UNDO_LIMIT = 4

/** Many pods: a line for each, and what the plans say together, each thing once with how many pods it is said of. */
export function manyPodsRows(screen: Screen, plan: RunPlan): void {
  screen.row('pods', ...plan.targets.map(podLine))
  const quarantines = plan.targets.flatMap(({ quarantine }) => quarantine ?? [])
  if (quarantines.length > 0) quarantineRows(screen, quarantines)
  killPlanRow(screen, plan.targets)
  secretsRow(screen, plan.targets)
  evidenceRows(screen, plan)
}

export function manyUndoRow(screen: Screen, { targets }: RunPlan): void {
  screen.row('undo', ...atMost(distinct(targets.flatMap(({ undo }) => undo ?? [])), UNDO_LIMIT))
}

function podLine(target: TargetPlan): string {
  const refusals = (target.quarantine?.refusals ?? []).map(
    ({ message, override }) => `REFUSED: ${message}${override === undefined ? '' : ` (→ ${override})`}`,
  )
  return [
    `${target.namespace}/${target.name}`,
    target.uid.slice(0, 8),
    ownerOf(target) || 'no owner',
    target.node ?? 'on no node',
    ...refusals,
  ].join('  ')
}

function quarantineRows(screen: Screen, plans: readonly QuarantinePlan[]): void {
  const created = plans.filter(({ policy }) => policy.state === 'to-create').length
  const there = plans.length - created
  screen.row(
    'changes',
    ...(created > 0
      ? [`+ ${counted(created, 'NetworkPolicy', 'NetworkPolicies')} (deny all), one a pod`]
      : []),
    ...(there > 0 ? [`= ${counted(there, 'NetworkPolicy', 'NetworkPolicies')} already there`] : []),
    ...said(plans, ({ labels }) => labels.remove.map((key) => `~ labels: remove ${key}`)),
    // the value is the pod's own
    ...said(plans, ({ labels }) => Object.keys(labels.add).map((key) => `~ labels: add ${key}`)),
    ...said(plans, ({ labels }) => labels.keep.map(({ key, why }) => `= label ${key} stays: ${why}`)),
    '~ annotation: who holds it and the labels as they were',
    ...said(plans, ({ actions }) => actions.flatMap(({ changes }) => changes)),
  )
  screen.row(
    'impact',
    ...serviceLines(plans),
    ...said(plans, ownerLines),
    ...said(plans, ({ warnings, actions }) => [...warnings, ...actions.flatMap((action) => action.warnings)]),
  )
  screen.row('network', ...said(plans, ({ network }) => networkLines(network)))
  screen.row('STAYS OPEN', ...said(plans, (one) => staysOpen(one).map(residualText)))
  screen.row("won't stop", ...said(plans, ({ wontStop }) => wontStop))
  screen.row('they see', ...said(plans, ({ attackerSees }) => attackerSees))
  screen.row('outlive it', ...said(plans, credentialLines))
  screen.row('no right', ...said(plans, ({ missingAccess }) => missingAccess.map(describeAccess)))
  screen.row(
    'dry run',
    ...said(plans, ({ dryRuns }) =>
      dryRuns.filter(({ ok }) => !ok).map(({ step, detail }) => `${step}: ${detail}`),
    ),
  )
}

/** Each plan counts as if its pod were the only one to go, so the counts of one Service can't be said together. */
function serviceLines(plans: readonly QuarantinePlan[]): readonly string[] {
  const suspects = new Map<string, number>()
  for (const { target, services } of plans) {
    for (const { name, serves } of services) {
      const key = `${target.namespace}/${name}`
      if (serves) suspects.set(key, (suspects.get(key) ?? 0) + 1)
    }
  }
  return atMost(
    [...suspects].map(([name, count]) => `Service ${name} loses ${counted(count, 'pod')} of these`),
    LIMIT,
  )
}

function evidenceRows(screen: Screen, { allow, targets }: RunPlan): void {
  const collectors = targets.flatMap((target) => target.collectors)
  if (collectors.length === 0) return
  const taken = collectors.filter(({ will }) => will === 'collect')
  screen.row('evidence', distinct(taken.map(({ name }) => name)).join(', ') || 'none')
  startsRow(screen, allow, collectors)
  disturbsRow(screen, collectors)
  screen.row('missing', ...said(targets, (target) => missingRows(target.collectors)))
}

/** What the parts say, each thing once, most often said first; what not all of them say, with how many do. */
function said<Part>(parts: readonly Part[], texts: (part: Part) => readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const part of parts) {
    for (const text of new Set(texts(part))) counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  const lines = [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([text, count]) => (count === parts.length ? text : `${text}  [${counted(count, 'pod')}]`))
  return atMost(lines, LIMIT)
}

function distinct(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
