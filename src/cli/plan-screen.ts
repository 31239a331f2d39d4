import type { CollectorPlan, RunPlan, TargetPlan } from '../engine/plan.js'
import { describeAccess } from '../model/api-path.js'
import { networkLines } from '../model/network-plugin.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { formatBytes } from '../text/bytes.js'
import { counted } from '../text/count.js'
import { formatDuration } from '../text/duration.js'
import { formatClock, formatUtcOffset } from '../text/time.js'
import { manyPodsRows, manyUndoRow } from './many-pods-screen.js'
import { nodePodPlanRows } from './node-pod-rows.js'
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
import { atMost, Screen } from './screen.js'
import { shortPath } from './short-path.js'

/** Past it a screen for each pod is more than anybody reads before saying yes. */
const FEW_TARGETS = 3

/** What the run will do, before anything is changed: a screen for each of a few pods, one screen for many. */
export function planScreen(plan: RunPlan): string {
  const screen = new Screen()
  const { scene } = plan
  const at = new Date(plan.at)
  const [first] = plan.targets
  const what =
    plan.targets.length === 1 && first !== undefined
      ? `${first.namespace}/${first.name}  uid ${first.uid.slice(0, 8)}`
      : `${plan.targets.length} pods`
  screen.head(`PLAN  ${plan.case}  ${plan.command} ${what}`, formatClock(at))
  const you =
    scene.who.impersonating ?? scene.who.user ?? `${scene.who.osUser} (name in the cluster not known)`
  screen.row(
    'cluster',
    `${scene.where.context}  ${scene.where.version ?? 'version not known'}  ${scene.where.server}`,
    `you ${you}  local time ${formatUtcOffset(scene.clock.utcOffsetMinutes)}`,
  )
  const few = plan.targets.length <= FEW_TARGETS
  if (few) {
    for (const target of plan.targets) targetRows(screen, plan, target, at)
  } else {
    screen.row('order', order(plan))
    manyPodsRows(screen, plan)
  }
  nodePodPlanRows(screen, plan)
  const free =
    plan.store.freeBytes === undefined ? 'free space not known' : `${formatBytes(plan.store.freeBytes)} free`
  screen.row('store', `${shortPath(plan.store.directory)}, ${free}, not signed, not encrypted`)
  if (few) screen.row('undo', ...plan.targets.flatMap(({ undo }) => undo ?? []))
  else manyUndoRow(screen, plan)
  return screen.toString()
}

function targetRows(screen: Screen, plan: RunPlan, target: TargetPlan, at: Date): void {
  const age =
    target.created === undefined
      ? 'age not known'
      : `up ${formatDuration(at.getTime() - Date.parse(target.created))}`
  const facts = [
    age,
    counted(target.restarts, 'restart'),
    target.node === undefined ? 'on no node' : `node ${target.node}`,
  ]
  // every pod that the API has names images
  const isGone = target.images.length === 0
  screen.row(
    'target',
    ...(isGone
      ? [`uid ${target.uid} on node ${target.node ?? 'not known'}, by your word: it is not looked up`]
      : []),
    ...(plan.targets.length > 1 ? [`${target.namespace}/${target.name}  uid ${target.uid.slice(0, 8)}`] : []),
    ...(isGone
      ? []
      : [
          [
            ...facts,
            `owner ${ownerOf(target) || 'none'}`,
            `account ${target.serviceAccount ?? 'default'}`,
          ].join(', '),
        ]),
    ...target.images.map(
      ({ container, reference, imageID }) => `${container}: ${reference}  ${digestOf(imageID)}`,
    ),
  )
  screen.row('order', order(plan))
  if (target.quarantine !== undefined) quarantineRows(screen, target.quarantine)
  killPlanRow(screen, [target])
  secretsRow(screen, [target])
  evidenceRows(screen, plan.allow, target.collectors)
}

function digestOf(imageID: string): string {
  const digest = /sha256:[0-9a-f]{64}/.exec(imageID)?.[0]
  return digest === undefined ? 'digest not known' : `${digest.slice(0, 19)}…`
}

function order(plan: RunPlan): string {
  if (plan.command === 'snapshot') {
    const onNodes = plan.allow.includes('node') ? 'what is started on nodes, and removed' : undefined
    const inPods = plan.allow.includes('ephemeral') ? 'the pod’s spec, by ephemeral containers' : undefined
    const changes = [onNodes, inPods].filter((one) => one !== undefined)
    const change = changes.length === 0 ? 'nothing is changed' : `only ${changes.join(' and ')}`
    return `${numbered(['read API', ...volatileStep(plan), 'slow evidence'])}   (${change})`
  }
  if (plan.command === 'quarantine') return '1 CONTAIN   (no evidence is taken)'
  const early = volatileStep(plan)
  const middle = plan.containFirst
    ? ['CONTAIN', ...early]
    : [...early.map((step) => `${step}, at most ${formatDuration(plan.volatileBudgetMs)}`), 'CONTAIN']
  const last = plan.targets.some(({ kill }) => kill !== undefined)
    ? ['seal and verify the archive', 'KILL']
    : []
  return numbered(['read API ~2 s', ...middle, 'slow evidence: logs, image, filesystem', ...last])
}

function volatileStep(plan: RunPlan): readonly string[] {
  const taken = plan.targets.some(({ collectors }) =>
    collectors.some(({ will, phases }) => will === 'collect' && phases.includes('volatile')),
  )
  return taken ? ['processes and sockets'] : []
}

function numbered(steps: readonly string[]): string {
  return steps.map((step, index) => `${index + 1} ${step}`).join('   ')
}

function quarantineRows(screen: Screen, plan: QuarantinePlan): void {
  const { labels, policy } = plan
  const added = Object.entries(labels.add).map(([key, value]) => `${key}=${value}`)
  screen.row(
    'changes',
    `${policy.state === 'to-create' ? '+' : '='} NetworkPolicy ${plan.target.namespace}/${policy.name} (deny all)`,
    `~ labels: remove ${labels.remove.join(', ') || 'none'}; add ${added.join(', ') || 'nothing, already there'}`,
    ...labels.keep.map(({ key, why }) => `= label ${key} stays: ${why}`),
    ...(plan.resumes ? [] : ['~ annotation: who holds it and the labels as they were']),
    ...plan.actions.flatMap(({ changes }) => changes),
  )
  screen.row(
    'impact',
    ...plan.services
      .filter(({ serves }) => serves)
      .map(
        ({ name, readyNow, readyAfter }) =>
          `Service ${name} keeps ${readyAfter} of ${readyNow} ready endpoints`,
      ),
    ...ownerLines(plan),
    ...atMost([...plan.warnings, ...plan.actions.flatMap(({ warnings }) => warnings)], 6),
  )
  screen.row('network', ...networkLines(plan.network))
  screen.row('STAYS OPEN', ...staysOpen(plan).map(residualText))
  screen.row("won't stop", ...plan.wontStop)
  screen.row('they see', ...plan.attackerSees)
  screen.row('outlive it', ...atMost(credentialLines(plan), 10))
  screen.row(
    'refused',
    ...plan.refusals.map(
      ({ message, override }) => message + (override === undefined ? '' : ` (→ ${override})`),
    ),
  )
  screen.row('no right', ...plan.missingAccess.map(describeAccess))
  screen.row(
    'dry run',
    ...plan.dryRuns.filter(({ ok }) => !ok).map(({ step, detail }) => `${step}: ${detail}`),
  )
}

function evidenceRows(screen: Screen, allow: RunPlan['allow'], collectors: readonly CollectorPlan[]): void {
  const taken = collectors.filter(({ will }) => will === 'collect')
  if (collectors.length === 0) return
  screen.row('evidence', taken.map(({ name }) => name).join(', ') || 'none')
  startsRow(screen, allow, collectors)
  disturbsRow(screen, collectors)
  screen.row('missing', ...missingRows(collectors))
}
