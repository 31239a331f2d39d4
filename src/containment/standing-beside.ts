import type { ContainmentAction, JournalEntry, WriteContext } from '../model/containment.js'
import { isCode, messageOf } from '../model/errors.js'
import type { HoldFault, HoldStatus } from '../model/hold-status.js'
import { entriesOf } from './beside.js'

/**
 * A hold with what was done beside its quarantine: whether that is as it was left, told by what a release would find. By the
 * journal where there is one, else by the marks. Reads only.
 */
export async function standingBeside(
  context: WriteContext,
  hold: HoldStatus,
  entries: readonly JournalEntry[],
  actions: readonly ContainmentAction[],
): Promise<HoldStatus> {
  const { namespace, name, uid, case: caseName } = hold
  if (name === undefined || caseName === undefined) return hold
  const suspect = { namespace, name, uid, case: caseName }
  const recorded = hold.knownFrom.includes('state')
  const standing: string[] = []
  const faults: HoldFault[] = []
  const notSeen: string[] = []
  for (const action of actions) {
    const own = entriesOf(entries, suspect, action)
    if (recorded && own.length === 0) continue
    try {
      const { done, left, needs } = await action.undo(context, suspect, own, { dryRun: true })
      for (const line of left) faults.push({ code: 'action-undone', message: `${action.name}: ${line}` })
      // the pod carries its mark; what that speaks of is out of the API's sight
      if (needs === 'node')
        notSeen.push(`whether what ${action.name} did stands: only a pod on the node could look`)
      else if (done.length > 0 && left.length === 0) standing.push(action.name)
    } catch (error) {
      if (isCode(error, 'aborted')) throw error
      notSeen.push(`whether ${action.name} stands: ${messageOf(error)}`)
    }
  }
  return {
    ...hold,
    state: hold.state === 'holds' && faults.length > 0 ? 'does-not-hold' : hold.state,
    stands: [...hold.stands, ...(standing.length === 0 ? [] : [`as it was left: ${standing.join(', ')}`])],
    faults: [...hold.faults, ...faults],
    notSeen: [...hold.notSeen, ...notSeen],
  }
}
