import { networkLines } from '../model/network-plugin.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { isTouched } from './changes.js'
import { bounded, byText } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { ContainmentReport } from './model.js'
import { VERDICT_WORDS } from './words.js'

const MOST_POLICIES = 50
const MOST_LINES = 50

export function containmentOf(input: ReportTargetInput): ContainmentReport {
  const { plan, verdict, directory } = input
  const where = `data/targets/${directory}/containment/plan.json`
  const residuals = (plan?.policies ?? [])
    .filter(({ residual, closedBy }) => residual && closedBy === undefined)
    .toSorted((a, b) => byText(a.name, b.name))
    .map(({ name, allows }) => ({ policy: name, allows: allows.join('; ') }))
  const services = (plan?.services ?? [])
    .filter(({ serves }) => serves)
    .toSorted((a, b) => byText(a.name, b.name))
    .map(({ name, readyNow, readyAfter }) => ({ name, readyNow, readyAfter }))
  return {
    ...verdictOf(input),
    why: verdict?.why ?? null,
    inForceAt: verdict?.inForceAt ?? null,
    tried: (verdict?.tried ?? []).slice(0, MOST_LINES),
    open: (verdict?.open ?? []).slice(0, MOST_LINES),
    network: (plan === undefined ? [] : networkLines(plan.network)).slice(0, MOST_LINES),
    wontStop: (plan?.wontStop ?? []).slice(0, MOST_LINES),
    attackerSees: (plan?.attackerSees ?? []).slice(0, MOST_LINES),
    residuals: bounded(residuals, MOST_POLICIES, where),
    ...labelsOf(plan?.labels),
    services: bounded(services, MOST_POLICIES, where),
  }
}

function verdictOf(input: ReportTargetInput): Pick<ContainmentReport, 'verdict' | 'meaning'> {
  if (input.verdict !== undefined) {
    return { verdict: input.verdict.kind, meaning: VERDICT_WORDS[input.verdict.kind] }
  }
  return isTouched(input)
    ? {
        verdict: 'not known',
        meaning: 'Changes were made, but the run ended without a verdict. Treat the pod as connected.',
      }
    : { verdict: 'not contained', meaning: 'This run changed nothing to isolate the pod.' }
}

function labelsOf(
  labels: QuarantinePlan['labels'] | undefined,
): Pick<ContainmentReport, 'labelsRemoved' | 'labelsAdded' | 'labelsKept'> {
  if (labels === undefined) return { labelsRemoved: null, labelsAdded: null, labelsKept: [] }
  const removed = labels.remove.toSorted(byText).map((key) => [key, labels.before[key] ?? ''] as const)
  return {
    labelsRemoved: labelLine(removed),
    labelsAdded: labelLine(Object.entries(labels.add)),
    labelsKept: labels.keep.slice(0, MOST_LINES).map(({ key, why }) => ({ key, why })),
  }
}

const MOST_LABELS = 40

/** 'app=web, tier=front' in the order of the keys; null where there is none. */
export function labelLine(labels: readonly (readonly [key: string, value: string])[]): string | null {
  if (labels.length === 0) return null
  const shown = labels.toSorted(([a], [b]) => byText(a, b)).slice(0, MOST_LABELS)
  const more = labels.length - shown.length
  return shown.map(([key, value]) => `${key}=${value}`).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
