import type { CollectorPlan, TargetPlan } from '../engine/plan.js'
import { describeAccess } from '../model/api-path.js'
import type { Allowance, Way } from '../model/collector.js'
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

/** What the owner does once the pod no longer carries its labels, and once it does again. */
export function ownerLines({ owner }: QuarantinePlan): readonly string[] {
  const name = owner.kind === 'none' ? 'no owner' : `${owner.kind} ${owner.name}`
  return owner.kind === 'none'
    ? [owner.onQuarantine]
    : [`${name}: ${owner.onQuarantine}`, `on release, ${name}: ${owner.onRelease}`]
}

const MOST_OF_A_COMMAND = 390

/** Credentials that stay good without the pod, each with what revokes it; then what ends with the pod. */
export function credentialLines({ credentials }: QuarantinePlan): readonly string[] {
  const lasting = credentials.filter(({ outlives }) => outlives !== 'no')
  const ending = credentials.filter(({ outlives }) => outlives === 'no')
  return [
    ...lasting.flatMap(({ credential, outlives, why, command, also }) => [
      `${credential}${outlives === 'not-known' ? ', perhaps' : ''}: ${why}; to revoke it (${also}):`,
      // one that is cut short is worse than none
      command.length > MOST_OF_A_COMMAND
        ? '  a command too long for this screen: --json has it'
        : `  ${command}`,
    ]),
    ...ending.map(({ credential, why }) => `with the pod ends the ${credential}: ${why}`),
  ]
}

export function residualText({ name, allows }: PolicyPlan): string {
  return `NetworkPolicy ${name} still selects it and allows ${allows.join('; ')}`
}

/** What runs programs of the suspect's, each collector once. */
export function startsRow(
  screen: Screen,
  allow: readonly Allowance[],
  collectors: readonly CollectorPlan[],
): void {
  const starters = (way: Way): readonly string[] => [
    ...new Set(
      collectors
        .filter(({ will, needs }) => allow.includes(way) && will === 'collect' && needs.includes(way))
        .map(({ name, needs }) => {
          const better = needs.slice(0, needs.indexOf(way)).filter((one) => allow.includes(one))
          return better.length === 0
            ? name
            : `${name}, where ${better.map(unlessHad).join(' and ')} can’t be had`
        }),
    ),
  ]
  const [beside, own] = [starters('ephemeral'), starters('exec')]
  screen.row(
    'starts',
    ...(beside.length === 0
      ? []
      : [
          `a container of ours beside each running one (${beside.join('; ')}): IT STAYS IN THE POD’S SPEC until the pod is deleted`,
        ]),
    ...(own.length === 0 ? [] : [`programs of the suspect containers, in their sight (${own.join('; ')})`]),
  )
}

/** What evidence does to pods and nodes beyond being taken. */
export function disturbsRow(screen: Screen, collectors: readonly CollectorPlan[]): void {
  const lines = collectors.filter(({ will }) => will === 'collect').flatMap(({ disturbs }) => disturbs ?? [])
  screen.row('disturbs', ...new Set(lines))
}

function unlessHad(way: Way): string {
  return way === 'node' ? 'its node' : 'an ephemeral container'
}

/** Evidence that this plan leaves out, and that nobody can take afterwards. */
function notTaken(targets: readonly TargetPlan[]): readonly string[] {
  return targets.flatMap(({ kill, collectors }) => {
    const skipped = collectors.filter(({ will }) => will === 'skip').map(({ name }) => name)
    return kill === undefined || skipped.length === 0
      ? []
      : [`NOT TAKEN by this plan, and lost for good: ${skipped.join(', ')}`]
  })
}

/** What is deleted in the end, and what goes with it. */
export function killPlanRow(screen: Screen, targets: readonly TargetPlan[]): void {
  const kills = targets.flatMap(({ namespace, name, kill }) =>
    kill === undefined ? [] : [{ pod: `${namespace}/${name}`, ...kill }],
  )
  screen.row(
    'KILL',
    ...atMost(
      kills.map(
        ({ pod, graceSeconds }) =>
          `- pod ${pod}, once the archive is sealed and verified; its processes have ${graceSeconds} s to end`,
      ),
      6,
    ),
    ...atMost([...new Set([...kills.flatMap(({ losses }) => losses), ...notTaken(targets)])], 6),
    ...atMost(
      kills.flatMap(({ pod, refused, missingAccess }) => [
        ...(refused === undefined ? [] : [`REFUSED ${pod}: ${refused}`]),
        ...missingAccess.map((rule) => `no right to ${describeAccess(rule)}`),
      ]),
      6,
    ),
  )
}

/** The keys at the plan that allow what a collector needs. */
const KEYS: Readonly<Partial<Record<Way, string>>> = { exec: 'e', node: 'n' }

function keysFor(needs: readonly Way[]): string {
  const keys = needs.flatMap((one) => KEYS[one] ?? [])
  return keys.length === 0 ? '' : `   [needs ${keys.join(' or ')}]`
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
      .map(({ name, needs, why }) => `${name}: ${why ?? ''}${keysFor(needs)}`),
    ...collectors
      .filter(({ will, missingAccess }) => will === 'collect' && missingAccess.length > 0)
      .map(
        ({ name, missingAccess }) => `${name}: no right to ${missingAccess.map(describeAccess).join(', ')}`,
      ),
    ...(collectors.some(({ name }) => name === 'memory') ? [] : ['memory: of processes that --memory names']),
  ]
}
