import type { Suspect, WriteContext } from '../model/containment.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY, type QuarantinePlan } from '../model/quarantine-plan.js'
import { uid8 } from '../model/target.js'
import { converge, type Look } from './converge.js'
import { denyAllName, isOurDenyAll, policiesPath } from './deny-all.js'
import { keepSet } from './keep-set.js'
import { controllerOf, lockOf } from './lock.js'
import { newLock } from './new-lock.js'
import type { QuarantineOptions } from './options.js'
import { letsGo } from './owner-behaviour.js'
import { ownerFacts, stillSelected } from './owners.js'
import { listObjects, readObject, readPod } from './reading.js'
import { lockRefusals } from './refusals.js'
import { addQuarantineLabel, createDenyAll, lockPod, removeLabels, type ApplyStep } from './writes.js'

const OWNER_WAIT_MS = 10_000
const OWNER_POLL_MS = 250
const MODE = { dryRun: false }

/** What is done between the steps; none of it may throw but for an abort. */
interface Hooks {
  /** May throw where the cut must not come. */
  beforeCut(): Promise<void>
  /** The last write of the cut is confirmed. */
  confirmed(at: Date): void
  afterCut(): Promise<void>
}

/**
 * Carries the plan out: lock, policy, label, relabel, each only if it does not stand yet, then waits (at most 10 s) until the
 * owner has let go. At no moment is the pod more open than before. An error says at which step it stopped; what was done
 * by then stays, and the next run goes on from there.
 */
export async function applyQuarantine(
  context: WriteContext,
  plan: QuarantinePlan,
  options: QuarantineOptions,
  hooks: Hooks,
): Promise<void> {
  const [refusal] = plan.refusals
  if (refusal !== undefined) {
    throw new ImpoundError('refused', `the plan can't be carried out: ${refusal.message}`)
  }
  const suspect = { ...plan.target, case: plan.case }
  const step = async (name: ApplyStep, look: () => Promise<Look>): Promise<void> => {
    try {
      await converge(context.run, look)
    } catch (error) {
      throw stoppedAt(name, error)
    }
  }
  await step('lock', async () => {
    const pod = await readHeld(context, suspect)
    if (lockOf(pod).state !== 'free') return 'done'
    return { write: () => lockPod(context, suspect, pod, newLock(context.run, pod, options), MODE) }
  })
  await step('policy', async () => {
    const path = policiesPath(suspect.namespace, denyAllName(suspect))
    const policy = await readObject<NetworkPolicy>(context.kube, path, context.run.signal)
    if (policy === undefined) return { write: () => createDenyAll(context, suspect, MODE) }
    if (isOurDenyAll(policy, suspect, suspect.case)) return 'done'
    throw new ImpoundError(
      'refused',
      `NetworkPolicy ${suspect.namespace}/${denyAllName(suspect)} is there and is not what this case created`,
      { hints: [`look at it: kubectl get netpol ${denyAllName(suspect)} -n ${suspect.namespace} -o yaml`] },
    )
  })
  await hooks.beforeCut()
  await step('label', async () => {
    const pod = await readHeld(context, suspect)
    if (isMarked(pod, suspect)) return 'done'
    return { write: () => addQuarantineLabel(context, suspect, pod, MODE) }
  })
  await step('relabel', async () => {
    const pod = await readHeld(context, suspect)
    if (!isMarked(pod, suspect)) {
      throw new ImpoundError('conflict', 'somebody took the quarantine label off again')
    }
    const remove = await labelsToRemove(context, plan, pod)
    if (Object.keys(remove).length === 0) return 'done'
    return { write: () => removeLabels(context, suspect, remove, MODE) }
  })
  hooks.confirmed(context.run.clock.now())
  await hooks.afterCut()
  await awaitOwner(context, suspect)
}

/** The pod, still of the UID and held by nobody but this case. Somebody may have taken our annotation off: that is not a lock. */
async function readHeld(context: WriteContext, suspect: Suspect): Promise<Pod> {
  const pod = await readPod(context.kube, suspect, context.run.signal)
  const [refusal] = lockRefusals(lockOf(pod), suspect, suspect.case)
  if (refusal !== undefined) throw new ImpoundError('refused', refusal.message)
  return pod
}

function isMarked(pod: Pod, suspect: Suspect): boolean {
  return pod.metadata?.labels?.[QUARANTINE_KEY] === uid8(suspect)
}

/**
 * The planned labels that are still there, less those that a policy written since makes necessary. A label that came
 * after the plan stays: nobody has confirmed its removal.
 */
async function labelsToRemove(
  { kube, run }: WriteContext,
  plan: QuarantinePlan,
  pod: Pod,
): Promise<Readonly<Record<string, string>>> {
  const labels = pod.metadata?.labels ?? {}
  const planned = new Set(plan.labels.remove)
  const present = Object.keys(labels).filter((key) => planned.has(key))
  if (present.length === 0) return {}
  const policies = await listObjects<NetworkPolicy>(kube, policiesPath(plan.target.namespace), run.signal)
  const { remove } = keepSet({
    labels,
    quarantine: { key: QUARANTINE_KEY, value: uid8(plan.target) },
    policies,
    keepLabels: [],
    untouched: new Set(Object.keys(labels).filter((key) => !planned.has(key))),
    avoid: new Set(),
  })
  return Object.fromEntries(Object.entries(labels).filter(([key]) => remove.includes(key)))
}

/**
 * Until the owner has let go, deleting it takes the pod along. An owner of another kind, or one that still selects the pod,
 * is not waited for. Whether it has let go, verify says.
 */
async function awaitOwner({ kube, run }: WriteContext, suspect: Suspect): Promise<void> {
  try {
    const until = run.clock.monotonic() + OWNER_WAIT_MS
    let pod = await readPod(kube, suspect, run.signal)
    const owner = await ownerFacts(kube, pod, run.signal)
    if (stillSelected(owner, pod.metadata?.labels ?? {}) !== undefined) return
    while (letsGo(controllerOf(pod)) && run.clock.monotonic() < until) {
      await run.clock.sleep(OWNER_POLL_MS, run.signal)
      pod = await readPod(kube, suspect, run.signal)
    }
  } catch (error) {
    // every write is confirmed: a read that fails now is no failure of the quarantine
    if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'target-changed')) throw error
  }
}

const STANDS: Readonly<Record<ApplyStep, string>> = {
  lock: 'nothing has touched the traffic of the pod',
  policy: 'nothing has touched the traffic of the pod',
  label: 'the deny-all exists; whether it selects the pod yet is not known',
  relabel: 'the deny-all selects the pod; its labels have not all been taken off',
}

function stoppedAt(step: ApplyStep, error: unknown): unknown {
  if (!(error instanceof ImpoundError)) return error
  return new ImpoundError(error.code, `stopped at step ${step}: ${error.message}`, {
    hints: [STANDS[step], ...error.hints],
    cause: error,
    ...(error.httpStatus === undefined ? {} : { httpStatus: error.httpStatus }),
  })
}
