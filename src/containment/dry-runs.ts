import type { AccessRule } from '../model/api-path.js'
import type { Suspect, WriteContext } from '../model/containment.js'
import { ImpoundError, type ErrorCode } from '../model/errors.js'
import type { Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY, type QuarantinePlan, type Refusal } from '../model/quarantine-plan.js'
import { uid8 } from '../model/target.js'
import type { LockState } from './lock.js'
import { newLock } from './new-lock.js'
import type { QuarantineOptions } from './options.js'
import { readPod } from './reading.js'
import { refusedBy } from './trial.js'
import { addQuarantineLabel, createDenyAll, lockPod, removeLabels, type ApplyStep } from './writes.js'

const MODE = { dryRun: true }

type DryRun = QuarantinePlan['dryRuns'][number]

interface Trial {
  readonly step: ApplyStep
  readonly send: () => Promise<unknown>
}

/** What says nothing about the write. */
const HARD: ReadonlySet<ErrorCode> = new Set(['aborted', 'bug', 'storage'])

/**
 * Tries writes with dryRun=All. A write that the server would refuse is a refusal, unless it is for an
 * admission webhook that can't do dry runs.
 */
export async function tryWrites(
  trials: readonly Trial[],
): Promise<{ readonly dryRuns: readonly DryRun[]; readonly refusals: readonly Refusal[] }> {
  const dryRuns: DryRun[] = []
  const refusals: Refusal[] = []
  for (const { step, send } of trials) {
    try {
      await send()
      dryRuns.push({ step, ok: true, detail: 'accepted' })
    } catch (error) {
      if (!(error instanceof ImpoundError) || HARD.has(error.code)) throw error
      dryRuns.push({ step, ok: false, detail: error.message })
      if (refusedBy(error)) {
        refusals.push({
          code: 'admission',
          message: `the API server would refuse step ${step}: ${error.message}`,
        })
      }
    }
  }
  return { dryRuns, refusals }
}

export interface Situation {
  readonly pod: Pod
  readonly lock: LockState
  readonly policy: QuarantinePlan['policy']['state']
  readonly remove: readonly string[]
  readonly missing: readonly AccessRule[]
}

/**
 * The writes that a run from here would send. One whose right is missing is left out: a refused request is a line in the
 * audit log, and says nothing new. So is a step that stands already.
 */
export function writesLeft(
  context: WriteContext,
  suspect: Suspect,
  options: QuarantineOptions,
  { pod, lock, policy, remove, missing }: Situation,
): readonly Trial[] {
  const before = pod.metadata?.labels ?? {}
  const going = Object.fromEntries(Object.entries(before).filter(([key]) => remove.includes(key)))
  const marked = before[QUARANTINE_KEY] === uid8(suspect)
  const trials: readonly (Trial & { readonly left: boolean })[] = [
    { step: 'lock', left: lock.state === 'free', send: () => lockAsItIs(context, suspect, options) },
    { step: 'policy', left: policy === 'to-create', send: () => createDenyAll(context, suspect, MODE) },
    { step: 'label', left: !marked, send: () => addQuarantineLabel(context, suspect, pod, MODE) },
    { step: 'relabel', left: remove.length > 0, send: () => removeLabels(context, suspect, going, MODE) },
  ]
  return trials.filter(({ step, left }) => left && !missing.some((rule) => isRightFor(step, rule)))
}

function isRightFor(step: ApplyStep, { verb, resource }: AccessRule): boolean {
  return step === 'policy' ? verb === 'create' && resource === 'networkpolicies' : verb === 'patch'
}

/** The lock's patch holds the version of the pod, which its status moves on: read it right before. */
async function lockAsItIs(
  context: WriteContext,
  suspect: Suspect,
  options: QuarantineOptions,
): Promise<void> {
  const pod = await readPod(context.kube, suspect, context.run.signal)
  await lockPod(context, suspect, pod, newLock(context.run, pod, options), MODE)
}
