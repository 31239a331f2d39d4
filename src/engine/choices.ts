import { allowingNode } from '../containment/index.js'
import { asAllowed } from './access.js'
import type { RunPlan } from './plan.js'
import type { Choices } from './request.js'

/** The plan as it is once the choices are taken. */
export function withChoices(plan: RunPlan, choices: Choices): RunPlan {
  return {
    ...plan,
    ...choices,
    targets: plan.targets.map(({ quarantine, ...target }) => ({
      ...target,
      ...(quarantine === undefined
        ? {}
        : { quarantine: allowingNode(quarantine, choices.allow.includes('node')) }),
      collectors: target.collectors.map(({ why, ...collector }) => {
        if (why !== undefined && why.startsWith('left out')) return { ...collector, why }
        return { ...collector, ...asAllowed(collector.needs, choices.allow) }
      }),
    })),
  }
}
