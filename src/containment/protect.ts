import type { AccessRule } from '../model/api-path.js'
import type {
  ContainmentAction,
  Finding,
  JournalEntry,
  ReadContext,
  Suspect,
  UndoReport,
  WriteContext,
} from '../model/containment.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { QUARANTINE_KEY, type ActionPlan, type QuarantinePlan } from '../model/quarantine-plan.js'
import { servedVersion } from '../model/served.js'
import { uid8, type Target } from '../model/target.js'
import { denyAllName } from './deny-all.js'
import { createOwn, deleteOwn, sendCreate, standsOwn, titleOf, type OwnObject } from './own-object.js'
import {
  annotateProtected,
  missingAnnotations,
  PROTECTING,
  readPodIfThere,
  unannotate,
} from './protecting-annotations.js'
import { trial } from './trial.js'

const NAME = 'protect'

interface ProtectPlan extends ActionPlan {
  readonly annotate: boolean
  readonly budget: OwnObject | undefined
}

const LIMITS =
  'protected against the autoscalers and against eviction only: not against deletion, pressure on the node, or the loss of a spot node'

/**
 * Keeps autoscalers and evictions off the suspect. A right that is missing costs the protection, never the quarantine.
 */
export function createProtect(): ContainmentAction<ProtectPlan> {
  return {
    name: NAME,
    stage: 'before-cut',
    requirements: ({ namespace }) => ({ access: budgetRights(namespace) }),
    plan,
    apply,
    verify,
    undo,
  }
}

function budgetRights(namespace: string): readonly AccessRule[] {
  const budgets = { group: 'policy', resource: 'poddisruptionbudgets', namespace }
  return [
    { verb: 'get', ...budgets },
    { verb: 'create', ...budgets },
    { verb: 'delete', ...budgets },
  ]
}

async function plan(
  context: WriteContext,
  target: Target,
  quarantine: Omit<QuarantinePlan, 'actions'>,
): Promise<ProtectPlan | undefined> {
  if (quarantine.refusals.length > 0) return undefined
  const suspect = { ...quarantine.target, case: quarantine.case }
  const missing = missingAnnotations(target.pod)
  const { budget, warnings } = await planBudget(context, suspect)
  return {
    action: NAME,
    changes: [
      ...missing.map(([key, value]) => `~ annotation ${key}: ${value}`),
      ...(budget === undefined ? [] : [`+ ${titleOf(budget)} (minAvailable 1)`]),
    ],
    warnings: [...warnings, LIMITS],
    refusals: [],
    missingAccess: [],
    annotate: missing.length > 0,
    budget,
  }
}

async function planBudget(
  context: WriteContext,
  suspect: Suspect,
): Promise<{ readonly budget: OwnObject | undefined; readonly warnings: readonly string[] }> {
  const { kube, run } = context
  const own = await budgetOf(context, suspect)
  const none = (why: string): { readonly budget: undefined; readonly warnings: readonly string[] } => ({
    budget: undefined,
    warnings: [`no PodDisruptionBudget for the suspect: ${why}`],
  })
  if (own === undefined) return none('this cluster serves none')
  const rights = await Promise.all(budgetRights(suspect.namespace).map((rule) => kube.canI(rule, run.signal)))
  const missing = rights.filter(({ allowed }) => !allowed).map(({ rule }) => rule.verb)
  if (missing.length > 0) return none(`no right to ${missing.join(', ')} it`)
  if (await standsOwn(context, suspect, own)) return { budget: undefined, warnings: [] }
  const why = await trial(() => sendCreate(context, suspect, own, { dryRun: true }))
  return why === undefined ? { budget: own, warnings: [] } : none(why)
}

/** In the version that is served; undefined where none is. */
async function budgetOf({ kube, run }: ReadContext, suspect: Suspect): Promise<OwnObject | undefined> {
  const { resources } = await kube.discover(run.signal)
  const version = servedVersion(resources, 'policy', 'poddisruptionbudgets', ['v1', 'v1beta1'])
  if (version === undefined) return undefined
  return {
    action: NAME,
    kind: 'PodDisruptionBudget',
    path: {
      group: 'policy',
      version,
      resource: 'poddisruptionbudgets',
      namespace: suspect.namespace,
      name: denyAllName(suspect),
    },
    spec: { minAvailable: 1, selector: { matchLabels: { [QUARANTINE_KEY]: uid8(suspect) } } },
  }
}

async function apply(context: WriteContext, section: ProtectPlan, suspect: Suspect): Promise<void> {
  const { budget } = section
  let failure: ImpoundError | undefined
  try {
    await annotateProtected(context, NAME, suspect)
  } catch (error) {
    if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage', 'bug')) throw error
    failure = error
  }
  if (budget !== undefined) await createOwn(context, suspect, budget)
  if (failure !== undefined) throw failure
}

async function verify(context: ReadContext, _plan: ProtectPlan, suspect: Suspect): Promise<Finding> {
  const [pod, own] = await Promise.all([readPodIfThere(context, suspect), budgetOf(context, suspect)])
  const missing = pod === undefined ? [] : missingAnnotations(pod).map(([key]) => key)
  const budget = own !== undefined && (await standsOwn(context, suspect, own))
  return {
    tried: [
      ...(missing.length === 0
        ? [`read back: annotations ${PROTECTING.map(([key]) => key).join(', ')} are on the pod`]
        : []),
      ...(budget ? [`read back: ${titleOf(own)} stands`] : []),
    ],
    open: [
      ...missing.map((key) => `annotation ${key} is not on the pod`),
      ...(budget ? [] : ['evicting the pod: no PodDisruptionBudget of this case stands']),
    ],
  }
}

async function undo(
  context: WriteContext,
  suspect: Suspect,
  entries: readonly JournalEntry[],
  mode: { readonly dryRun: boolean },
): Promise<UndoReport> {
  const annotations = await unannotate(context, NAME, suspect, entries, mode)
  const own = await budgetOf(context, suspect)
  const budget =
    own === undefined ? { done: [], left: [] } : await deleteBudget(context, suspect, own, entries, mode)
  return { done: [...annotations.done, ...budget.done], left: [...annotations.left, ...budget.left] }
}

/** Who may not even look for it has not made one. */
async function deleteBudget(
  context: WriteContext,
  suspect: Suspect,
  own: OwnObject,
  entries: readonly JournalEntry[],
  mode: { readonly dryRun: boolean },
): Promise<UndoReport> {
  try {
    return await deleteOwn(context, suspect, own, entries, mode)
  } catch (error) {
    const made = entries.some(({ intent }) => intent.step.endsWith(own.kind))
    if (made || !isCode(error, 'forbidden', 'unauthorized')) throw error
    return { done: [], left: [`whether ${titleOf(own)} is there is not known: ${messageOf(error)}`] }
  }
}
