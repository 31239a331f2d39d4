import type { ContainmentAction } from '../model/containment.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import { neededAccess, usefulAccess } from './access.js'
import { applyQuarantine } from './apply.js'
import type { QuarantineOptions } from './options.js'
import { planQuarantine } from './plan.js'
import { releaseQuarantine } from './release.js'
import { verifyQuarantine } from './verify.js'
import { ACTION } from './writes.js'

/**
 * Cuts a pod off with a NetworkPolicy that denies all and selects a label of ours, and takes off the labels by which Services,
 * owners and other policies find it. One instance serves one run.
 */
export function createQuarantine(options: QuarantineOptions): ContainmentAction<QuarantinePlan> {
  const confirmed = new Map<string, string>()
  return {
    name: ACTION,
    requirements: (target) => ({ access: [...neededAccess(target), ...usefulAccess(target)] }),
    plan: (context, target) => planQuarantine(context, target, options),
    apply: (context, plan) =>
      applyQuarantine(context, plan, options, (at) => confirmed.set(plan.target.uid, at.toISOString())),
    verify: (context, plan) => verifyQuarantine(context, plan, confirmed.get(plan.target.uid)),
    undo: releaseQuarantine,
  }
}
