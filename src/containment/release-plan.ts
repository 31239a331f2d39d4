import type { ContainmentAction, JournalEntry, UndoReport, WriteContext } from '../model/containment.js'
import type { ReleasePlan } from '../model/release-plan.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import { adoption } from './adoption.js'
import { denyAllName } from './deny-all.js'
import { entriesOf } from './beside.js'
import { holdsOf, lockedBefore, type Hold } from './hold.js'
import { goneLine, readHeld } from './release.js'
import { policyFate, releaseWork, type Fate } from './release-work.js'

/** What a release would do for each pod of the journal, and which pod dies when its owner adopts it again. Reads only. */
export async function planRelease(
  context: WriteContext,
  entries: readonly JournalEntry[],
  actions: readonly ContainmentAction[],
): Promise<readonly ReleasePlan[]> {
  const plans: ReleasePlan[] = []
  for (const journalled of holdsOf(entries)) {
    const { hold, pod, policy } = await readHeld(context, journalled)
    const { namespace, name, uid, case: caseName } = hold.suspect
    const head = {
      schema: 'impound/release-plan/v1',
      case: caseName,
      target: { namespace, name, uid },
      source: hold.fromAnnotation ? 'annotation' : 'journal',
    } as const
    const beside = await wouldUndo(context, hold, entries, actions)
    const ofPolicy = policyFate(hold, policy)
    const policyName = `NetworkPolicy ${namespace}/${denyAllName(hold.suspect)}`
    if (pod === undefined) {
      plans.push({
        ...head,
        podGone: goneLine(hold),
        labels: { restore: {}, quarantineLabel: 'leave' },
        deletes: [...taken(ofPolicy, policyName)],
        actions: beside.actions,
        left: [...kept(ofPolicy), ...beside.left],
        adoption: { says: 'the pod is gone', dies: [], suspectDies: false },
      })
      continue
    }
    const { labels, lock } = releaseWork(hold, pod, policy)
    plans.push({
      ...head,
      labels: {
        restore: labels.restore,
        quarantineLabel: typeof labels.quarantineLabel === 'object' ? 'reset' : labels.quarantineLabel,
      },
      deletes: [...taken(ofPolicy, policyName), ...taken(lock, `annotation ${QUARANTINE_KEY}`)],
      actions: beside.actions,
      left: [...labels.left, ...kept(ofPolicy), ...kept(lock), ...beside.left],
      adoption: await adoption(context, pod, lockedBefore(hold)?.owner, {
        ...pod.metadata?.labels,
        ...labels.restore,
      }),
    })
  }
  return plans
}

async function wouldUndo(
  context: WriteContext,
  { suspect }: Hold,
  entries: readonly JournalEntry[],
  actions: readonly ContainmentAction[],
): Promise<Pick<ReleasePlan, 'actions' | 'left'>> {
  const reports: (UndoReport & { readonly action: string })[] = []
  for (const action of actions.toReversed()) {
    const own = entriesOf(entries, suspect, action)
    reports.push({ action: action.name, ...(await action.undo(context, suspect, own, { dryRun: true })) })
  }
  return {
    actions: reports
      .filter(({ done }) => done.length > 0)
      .map(({ action, done, needs }) => ({
        action,
        undoes: done,
        ...(needs === undefined ? {} : { needs }),
      })),
    left: reports.flatMap(({ left }) => left),
  }
}

function taken(fate: Fate, what: string): readonly string[] {
  return fate === 'take-away' ? [what] : []
}

function kept(fate: Fate): readonly string[] {
  return typeof fate === 'object' ? [fate.left] : []
}
