import type { ReadContext, UndoReport, WriteContext } from '../model/containment.js'
import { isCode } from '../model/errors.js'
import type { Json } from '../model/json.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { converge, type Look } from './converge.js'
import { denyAllName, policiesPath } from './deny-all.js'
import { completeHold, type Hold } from './hold.js'
import { readObject, readPod } from './reading.js'
import { labelWork, lockFate, policyFate, releaseWork, type Fate, type LabelWork } from './release-work.js'
import { deleteDenyAll, restoreLabels, unlockPod } from './writes.js'

/**
 * Takes back what the journal says was done to one pod: labels back and the quarantine label off in one patch, then what stands
 * `beside` the quarantine, the policy, the annotation, each only where it still is as we left it. What others changed since
 * is left alone and named. A second release goes on where the first stopped. Throws as the writer does; what was taken
 * back by then stays so.
 */
export async function releaseHold(
  context: WriteContext,
  journalled: Hold,
  beside: () => Promise<UndoReport>,
): Promise<UndoReport> {
  const report: Lines = { done: [], left: [] }
  const { hold, pod, policy } = await readHeld(context, journalled)
  if (pod === undefined) report.left.push(goneLine(hold))
  else {
    const { labels } = releaseWork(hold, pod, policy)
    await labelsBack(context, hold, labels, report)
  }
  const { done, left } = await beside()
  report.done.push(...done)
  report.left.push(...left)
  await policyAway(context, hold, report)
  if (pod !== undefined) await lockOff(context, hold, report)
  return report
}

export interface Held {
  readonly hold: Hold
  /** Undefined where the pod of that UID is gone. */
  readonly pod: Pod | undefined
  readonly policy: NetworkPolicy | undefined
}

/** How things stand for a hold, and the hold completed by what the pod says of it. */
export async function readHeld(context: ReadContext, journalled: Hold): Promise<Held> {
  const [pod, policy] = await Promise.all([podIfThere(context, journalled), readDenyAll(context, journalled)])
  const hold = pod === undefined ? journalled : completeHold(journalled, pod)
  return { hold, pod, policy }
}

export function goneLine({ suspect }: Hold): string {
  return `pod ${suspect.namespace}/${suspect.name} (uid ${suspect.uid}) is gone: it has no labels to put back`
}

interface Lines {
  readonly done: string[]
  readonly left: string[]
}

async function labelsBack(
  context: WriteContext,
  hold: Hold,
  planned: LabelWork,
  report: Lines,
): Promise<void> {
  let work = planned
  if (isIdle(work)) {
    report.left.push(...work.left)
    return
  }
  await converge(context.run, async () => {
    const pod = await readPod(context.kube, hold.suspect, context.run.signal)
    const now = labelWork(hold, pod, false)
    if (isIdle(now)) return 'done'
    work = now
    return { write: () => restoreLabels(context, hold.suspect, pod, now.restore, now.quarantineLabel) }
  })
  const keys = Object.keys(work.restore).sort()
  if (keys.length > 0) report.done.push(`labels put back: ${keys.join(', ')}`)
  if (work.quarantineLabel !== 'leave') report.done.push(`label ${QUARANTINE_KEY} taken off`)
  report.left.push(...work.left)
}

function isIdle({ restore, quarantineLabel }: LabelWork): boolean {
  return Object.keys(restore).length === 0 && quarantineLabel === 'leave'
}

async function policyAway(context: WriteContext, hold: Hold, report: Lines): Promise<void> {
  const name = denyAllName(hold.suspect)
  await takeAway(context, `NetworkPolicy ${name}`, report, async () => {
    const policy = await readDenyAll(context, hold)
    const uid = policy?.metadata?.uid ?? ''
    return {
      fate: policyFate(hold, policy),
      write: () => deleteDenyAll(context, hold.suspect, { name, uid, manifest: (policy ?? null) as Json }),
    }
  })
}

async function lockOff(context: WriteContext, hold: Hold, report: Lines): Promise<void> {
  const { lock } = hold
  if (lock === undefined) return
  await takeAway(context, `annotation ${QUARANTINE_KEY}`, report, async () => ({
    fate: lockFate(hold, await readPod(context.kube, hold.suspect, context.run.signal)),
    write: () => unlockPod(context, hold.suspect, lock),
  }))
}

async function takeAway(
  context: WriteContext,
  what: string,
  { done, left }: Lines,
  look: () => Promise<{ readonly fate: Fate; readonly write: () => Promise<unknown> }>,
): Promise<void> {
  const fates: Fate[] = []
  await converge(context.run, async (): Promise<Look> => {
    const { fate, write } = await look()
    fates.push(fate)
    return fate === 'take-away' ? { write } : 'done'
  })
  const last = fates.at(-1)
  if (typeof last === 'object') left.push(last.left)
  // gone after a write of ours whose answer was lost is our doing
  else done.push(fates.includes('take-away') ? `${what} taken away` : `${what} was gone already`)
}

async function podIfThere({ kube, run }: ReadContext, { suspect }: Hold): Promise<Pod | undefined> {
  try {
    return await readPod(kube, suspect, run.signal)
  } catch (error) {
    if (isCode(error, 'target-changed')) return undefined
    throw error
  }
}

function readDenyAll({ kube, run }: ReadContext, { suspect }: Hold): Promise<NetworkPolicy | undefined> {
  return readObject<NetworkPolicy>(kube, policiesPath(suspect.namespace, denyAllName(suspect)), run.signal)
}
