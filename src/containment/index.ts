import type { ContainmentAction } from '../model/containment.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import type { QuarantineOptions } from './options.js'
import { createQuarantine } from './quarantine.js'

/** Every way to contain a pod, in the order in which they are applied. */
export function actions(options: QuarantineOptions): readonly ContainmentAction<QuarantinePlan>[] {
  return [createQuarantine(options)]
}

export { entriesFromAnnotation } from './hold.js'
export { held, holderOf } from './holder.js'
export type { QuarantineOptions } from './options.js'
export { createQuarantine } from './quarantine.js'
export { planRelease } from './release-plan.js'
