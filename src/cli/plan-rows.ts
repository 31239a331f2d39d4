import type { CollectorPlan, TargetPlan } from '../engine/plan.js'
import { describeAccess } from '../model/api-path.js'
import type { PolicyPlan, QuarantinePlan } from '../model/quarantine-plan.js'
import { atMost, type Screen } from './screen.js'

/** Policies that leave the pod open once the plan is carried out. */
export function staysOpen({ policies }: QuarantinePlan): readonly PolicyPlan[] {
  return policies.filter(({ residual, closedBy }) => residual && closedBy === undefined)
}

/** The chain of owners, nearest first; '' where there is none. */
export function ownerOf(target: TargetPlan): string {
  return target.quarantine?.owner.chain.join(' of ') ?? target.owner ?? ''
}

export function residualText({ name, allows }: PolicyPlan): string {
  return `NetworkPolicy ${name} still selects it and allows ${allows.join('; ')}`
}

export function startsRow(screen: Screen, started: readonly string[]): void {
  if (started.length === 0) return
  screen.row('starts', `sh and tar of the suspect containers, in their sight (${started.join(', ')})`)
}

/** What the plan says of Secrets that may be read; nothing where that was not allowed. */
export function secretsRow(screen: Screen, targets: readonly TargetPlan[]): void {
  const named = targets.flatMap(({ namespace, pullSecrets }) =>
    (pullSecrets ?? []).map((name) => `${namespace}/${name}`),
  )
  const distinct = [...new Set(named)].sort()
  if (distinct.length === 0) return
  screen.row(
    'reads',
    ...atMost(
      distinct.map(
        (name) => `Secret ${name}, to show it to the registry that wants credentials; it is not kept`,
      ),
      6,
    ),
  )
}

/** What will be missing from the evidence of one pod, a line each. */
export function missingRows(collectors: readonly CollectorPlan[]): readonly string[] {
  return [
    ...collectors
      .filter(({ will }) => will === 'skip')
      .map(({ name, impact, why }) => `${name}: ${why ?? ''}${impact === 'exec' ? '   [needs e]' : ''}`),
    ...collectors
      .filter(({ will, missingAccess }) => will === 'collect' && missingAccess.length > 0)
      .map(
        ({ name, missingAccess }) => `${name}: no right to ${missingAccess.map(describeAccess).join(', ')}`,
      ),
    'process list, sockets, memory, rotated logs: this version can’t take them',
  ]
}
