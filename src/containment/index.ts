import type { Containment, ContainmentAction, JournalEntry, WriteContext } from '../model/containment.js'
import type { ReleasePlan } from '../model/release-plan.js'
import type { QuarantineOptions } from './options.js'
import { createQuarantine } from './quarantine.js'
import { createBlockToken } from './block-token.js'
import { createCordon } from './cordon.js'
import { createDenyAccess } from './deny-access.js'
import { createDetachOwner } from './detach-owner.js'
import { createDetachBindings } from './detach-bindings.js'
import { createDropConnections } from './drop-connections.js'
import { createFreeze } from './freeze.js'
import { createPluginDeny } from './plugin-deny.js'
import { createProtect } from './protect.js'
import { createResiduals } from './residuals.js'
import { createTwinAction } from './twin/twin.js'
import { planRelease as planReleaseWith } from './release-plan.js'

/** Every way to contain a pod beside the quarantine, in the order in which those of one stage are applied. */
export function actions(options: QuarantineOptions): readonly ContainmentAction[] {
  return [
    createProtect(),
    createPluginDeny(),
    createCordon(options),
    createDenyAccess(options),
    createBlockToken(options),
    createResiduals(options),
    createDetachOwner(options),
    createDetachBindings(options),
    createDropConnections(options),
    createFreeze(options),
    createTwinAction(options),
  ]
}

/** The quarantine and all that is done beside it. */
export function createContainment(options: QuarantineOptions): Containment {
  return createQuarantine(options, actions(options))
}

/** What a release would do for each pod of the journal. Reads only. */
export function planRelease(
  context: WriteContext,
  entries: readonly JournalEntry[],
  options: QuarantineOptions,
): Promise<readonly ReleasePlan[]> {
  return planReleaseWith(context, entries, actions(options))
}

export { detectNetworkPlugin } from './cni/detect.js'
export { entriesFromAnnotation } from './hold.js'
export { heldPods } from './held-pods.js'
export { held, holderOf } from './holder.js'
export { standingBeside } from './standing-beside.js'
export { allowingNode } from './node-need.js'
export { pluginDenyRights } from './plugin-deny.js'
export type { QuarantineOptions } from './options.js'
