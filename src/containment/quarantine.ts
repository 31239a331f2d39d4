import type { Containment, ContainmentAction, UndoReport, WriteContext } from '../model/containment.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { neededAccess, usefulAccess } from './access.js'
import { applyQuarantine } from './apply.js'
import { applyBeside, planBeside, undoBeside, verifyBeside } from './beside.js'
import { holdsOf } from './hold.js'
import { allowingNode } from './node-need.js'
import type { QuarantineOptions } from './options.js'
import { planQuarantine } from './plan.js'
import { releaseHold } from './release.js'
import { TRY_ACCESS } from './try-network.js'
import { tryByTwin } from './twin/trial.js'
import { verifyQuarantine } from './verify.js'

/**
 * Cuts a pod off with a NetworkPolicy that denies all and selects a label of ours, and takes off the labels by which Services,
 * owners and other policies find it; the actions go with it. One instance serves one run.
 */
export function createQuarantine(
  options: QuarantineOptions,
  actions: readonly ContainmentAction[],
): Containment {
  const confirmed = new Map<string, string>()
  return {
    requirements: (target) => ({
      access: [
        ...neededAccess(target),
        ...usefulAccess(target),
        ...(options.allowNode ? TRY_ACCESS : []),
        ...actions.flatMap((action) => action.requirements(target).access),
      ],
    }),
    plan: async (context, target) =>
      allowingNode(
        await planBeside(context, target, await planQuarantine(context, target, options), actions),
        options.allowNode,
      ),
    apply: (context, plan, heard = () => undefined, inForce = () => undefined) =>
      applyQuarantine(context, plan, options, {
        beforeCut: () => applyBeside(context, 'before-cut', plan, actions, heard),
        confirmed: (at) => {
          confirmed.set(plan.target.uid, at.toISOString())
          inForce()
        },
        afterCut: () => applyBeside(context, 'after-cut', plan, actions, heard),
      }),
    verify: (context, plan) =>
      verifyQuarantine(context, plan, {
        confirmedAt: confirmed.get(plan.target.uid),
        probe: options.scripts.probeNetwork,
        ...byTwin(context, plan, options),
        beside: () => verifyBeside(context, plan, actions),
      }),
    undo: async (context, entries) => {
      const report: { readonly done: string[]; readonly left: string[] } = { done: [], left: [] }
      const add = ({ done, left }: UndoReport): void => {
        report.done.push(...done)
        report.left.push(...left)
      }
      for (const hold of holdsOf(entries)) {
        add(await undoBeside(context, 'verify', hold.suspect, entries, actions))
        add(await undoBeside(context, 'after-cut', hold.suspect, entries, actions))
        add(
          await releaseHold(context, hold, () =>
            undoBeside(context, 'before-cut', hold.suspect, entries, actions),
          ),
        )
      }
      return report
    },
  }
}

function byTwin(
  context: WriteContext,
  plan: QuarantinePlan,
  options: QuarantineOptions,
): Pick<Parameters<typeof verifyQuarantine>[2], 'byTwin'> {
  const { twin, scripts } = options
  return twin === undefined ? {} : { byTwin: (pod) => tryByTwin(context, plan, pod, { twin, scripts }) }
}
