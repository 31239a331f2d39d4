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
  const beside: string[] = []
  const faults: HoldFault[] = []
  const notSeen: string[] = []
  let overridden: 'all' | readonly string[] = []
  for (const action of actions) {
    const own = entriesOf(entries, suspect, action)
    // a twin is no one's record but its own label's
    if (recorded && own.length === 0 && action.stage !== 'verify') continue
    try {
      const { done, left, needs } = await action.undo(context, suspect, own, { dryRun: true })
      for (const line of left) faults.push({ code: 'action-undone', message: `${action.name}: ${line}` })
      // the pod carries its mark; what that speaks of is out of the API's sight
      if (needs === 'node')
        notSeen.push(`whether what ${action.name} did stands: only a pod on the node could look`)
      else if (action.stage === 'verify')
        beside.push(...done.map((line) => `still there: ${line.replace(/^- /, '')}`))
      else if (done.length > 0 && left.length === 0) {
        standing.push(action.name)
        if (hold.faults.some(({ code }) => code === 'residual'))
          overridden = (await action.overriding?.(context, suspect)) ?? overridden
      }
    } catch (error) {
      if (isCode(error, 'aborted')) throw error
      notSeen.push(`whether ${action.name} stands: ${messageOf(error)}`)
    }
  }
  const denied = hold.faults.filter(
    ({ code, policy = '' }) => code === 'residual' && (overridden === 'all' || overridden.includes(policy)),
  )
  const all = [...hold.faults.filter((fault) => !denied.includes(fault)), ...faults]
  return {
    ...hold,
    state: stateWith(hold, all),
    stands: [
      ...hold.stands,
      ...beside,
      ...(standing.length === 0 ? [] : [`as it was left: ${standing.join(', ')}`]),
      ...denied.map(
        ({ policy = '' }) => `overridden by the deny of the network plugin's own: NetworkPolicy ${policy}`,
      ),
    ],
    faults: all,
    notSeen: [...hold.notSeen, ...notSeen],
  }
}

/** With the faults that are left and those that came to light. */
function stateWith(hold: HoldStatus, faults: readonly HoldFault[]): HoldStatus['state'] {
  if (hold.state === 'holds' || hold.state === 'does-not-hold') {
    return faults.length > 0 ? 'does-not-hold' : 'holds'
  }
  return hold.state
}
