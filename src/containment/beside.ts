import type {
  ActionOutcome,
  ContainmentAction,
  Finding,
  JournalEntry,
  Suspect,
  UndoReport,
  WriteContext,
} from '../model/containment.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import type { ActionPlan, QuarantinePlan, Refusal } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { otherPolicyKinds } from './exposure.js'

type Stage = ContainmentAction['stage']

const STAGES: readonly Stage[] = ['before-cut', 'after-cut', 'verify']

/** The actions in the order in which they are applied. */
function inOrder(actions: readonly ContainmentAction[]): readonly ContainmentAction[] {
  return STAGES.flatMap((stage) => actions.filter((action) => action.stage === stage))
}

/** The plan with the sections of all actions that have something to do; their refusals and missing rights are the plan's. */
export async function planBeside(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
  actions: readonly ContainmentAction[],
): Promise<QuarantinePlan> {
  const found = await Promise.all(inOrder(actions).map((action) => action.plan(context, target, quarantine)))
  const sections = found.filter((section) => section !== undefined)
  const closedBy = (name: string): string | undefined =>
    sections.find(({ closes = [] }) => closes.includes(name))?.action
  const policies = quarantine.policies.map((policy) => {
    const by = closedBy(policy.name)
    return by === undefined ? policy : { ...policy, closedBy: by }
  })
  return {
    ...quarantine,
    policies,
    warnings: [
      ...residualWarnings(policies),
      ...(sections.some(({ overrides }) => overrides === 'all') ? [] : await otherKinds(context)),
      ...quarantine.warnings,
    ],
    actions: sections,
    attackerSees: [...quarantine.attackerSees, ...sections.flatMap(({ attackerSees = [] }) => attackerSees)],
    refusals: [
      ...quarantine.refusals,
      ...openingRefusals(policies),
      ...sections.flatMap(({ refusals }) => refusals),
    ],
    missingAccess: [...quarantine.missingAccess, ...sections.flatMap(({ missingAccess }) => missingAccess)],
  }
}

/** Policies that this version does not evaluate. */
async function otherKinds({ kube, run }: WriteContext): Promise<readonly string[]> {
  const { resources } = await kube.discover(run.signal)
  return otherPolicyKinds(resources).map(
    (kind) => `${kind} is served here and not evaluated: one may allow more`,
  )
}

/** The pod must at no moment be more open than it is: such a policy waits for the quarantine, or was made for it. */
function openingRefusals(policies: QuarantinePlan['policies']): readonly Refusal[] {
  return policies
    .filter(({ opensMore, closedBy }) => opensMore === true && closedBy === undefined)
    .map(({ name, allows }) => ({
      code: 'opens-more',
      message: `the quarantine label would make NetworkPolicy ${name} select the pod and open: ${allows.join('; ')}`,
      override: '--patch-residuals',
    }))
}

function residualWarnings(policies: QuarantinePlan['policies']): readonly string[] {
  return policies
    .filter(({ residual, closedBy }) => residual && closedBy === undefined)
    .map(
      ({ name, allows }) =>
        `NetworkPolicy ${name} still selects the pod and leaves open: ${allows.join('; ')}`,
    )
}

/**
 * Carries out the planned actions of a stage; one that fails does not hold up the others. Throws what ends the run: before the cut also
 * where the one failed that alone keeps the quarantine label from opening the pod.
 */
export async function applyBeside(
  context: WriteContext,
  stage: Stage,
  plan: QuarantinePlan,
  actions: readonly ContainmentAction[],
  heard: (outcome: ActionOutcome) => void,
): Promise<void> {
  const failed = new Map<string, unknown>()
  for (const [action, section] of planned(actions, plan)) {
    if (action.stage !== stage) continue
    try {
      await action.apply(context, section, suspectOf(plan))
      heard({ action: action.name })
    } catch (error) {
      if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage', 'bug')) throw error
      failed.set(action.name, error)
      heard({ action: action.name, error })
    }
  }
  for (const { name, opensMore, closedBy = '', allows } of plan.policies) {
    if (opensMore !== true || !failed.has(closedBy)) continue
    throw new ImpoundError(
      'refused',
      `the quarantine label would make NetworkPolicy ${name} select the pod and open: ${allows.join('; ')}; ${closedBy} failed: ${messageOf(failed.get(closedBy))}`,
      { hints: ['the pod has its labels as before: it is no more open than it was'] },
    )
  }
}

export async function verifyBeside(
  context: WriteContext,
  plan: QuarantinePlan,
  actions: readonly ContainmentAction[],
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const [action, section] of planned(actions, plan)) {
    try {
      const { tried, open, broken, cuts, overrides } = await action.verify(context, section, suspectOf(plan))
      // what is beside the cut does not decide whether the cut holds
      findings.push({
        tried,
        open: [...(broken === undefined ? [] : [broken]), ...open],
        ...(cuts === undefined ? {} : { cuts }),
        ...(overrides === undefined ? {} : { overrides }),
      })
    } catch (error) {
      if (isCode(error, 'aborted')) throw error
      findings.push({ tried: [], open: [`whether ${action.name} holds is not known: ${messageOf(error)}`] })
    }
  }
  return findings
}

/** Takes back, in reverse order, what the actions of a stage did to one pod. */
export async function undoBeside(
  context: WriteContext,
  stage: Stage,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  actions: readonly ContainmentAction[],
): Promise<UndoReport> {
  const report = { done: [] as string[], left: [] as string[] }
  for (const action of inOrder(actions).toReversed()) {
    if (action.stage !== stage) continue
    const own = entriesOf(entries, suspect, action)
    const { done, left } = await action.undo(context, suspect, own, { dryRun: false })
    report.done.push(...done)
    report.left.push(...left)
  }
  return report
}

/** The entries of one pod that an action wrote. */
export function entriesOf(
  entries: readonly JournalEntry[],
  { uid }: Suspect,
  { name }: Pick<ContainmentAction, 'name'>,
): readonly JournalEntry[] {
  return entries.filter(({ intent }) => intent.action === name && intent.target?.uid === uid)
}

function planned(
  actions: readonly ContainmentAction[],
  { actions: sections }: QuarantinePlan,
): readonly (readonly [ContainmentAction, ActionPlan])[] {
  return inOrder(actions).flatMap((action) => {
    const section = sections.find((each) => each.action === action.name)
    return section === undefined ? [] : [[action, section] as const]
  })
}

function suspectOf({ target, case: caseName }: QuarantinePlan): Suspect {
  return { ...target, case: caseName }
}
