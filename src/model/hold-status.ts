import type { ExitStatus } from './exit.js'

/** Whether a hold stands in the API. `holds` says no more than that: nothing is tried from the pod's network. */
export type HoldState = 'holds' | 'does-not-hold' | 'pod-gone' | 'unknown'

/** What is wrong with a hold. */
export type HoldFaultCode =
  | 'pod-gone' // deleted, or its name belongs to another pod now
  | 'pod-ended' // it has ended or is being deleted
  | 'host-network' // NetworkPolicies do not apply to it
  | 'no-label' // the quarantine label is not on the pod, or has another value
  | 'labels-back' // labels that the quarantine took off are on the pod again
  | 'no-policy' // the deny-all is not there
  | 'policy-changed' // it is there and is not what the case wrote
  | 'residual' // another policy selects the pod and lets traffic through
  | 'owner' // a controller holds the pod
  | 'no-annotation' // other responders can't see that it is held
  | 'annotation-changed' // it is not what this machine's record says was written
  | 'action-undone' // what was done beside the quarantine is no longer as it was left
  | 'other-case' // this machine's record and the annotation name different cases

export interface HoldFault {
  readonly code: HoldFaultCode
  /** One line; may quote names from the cluster. */
  readonly message: string
  /** Of `residual`: the policy's name. */
  readonly policy?: string
}

/** One pod that is held, or was and left traces. */
export interface HoldStatus {
  readonly namespace: string
  /** Absent where only a NetworkPolicy of ours is left, which names the UID alone. */
  readonly name?: string
  readonly uid: string
  /** Absent where nothing names it any more. */
  readonly case?: string
  readonly who?: string
  /** RFC 3339: when the lock was written. */
  readonly since?: string
  readonly knownFrom: readonly HoldSource[]
  readonly state: HoldState
  /** What was read back and is as it was written, a line each. */
  readonly stands: readonly string[]
  readonly faults: readonly HoldFault[]
  /** What could not be seen of this hold, a line each. */
  readonly notSeen: readonly string[]
}

/** `state` is this machine's record of a run; the others anybody with rights in the namespace can edit. */
export type HoldSource = 'annotation' | 'label' | 'policy' | 'state'

/** What impound quarantine status found. */
export interface QuarantineStatus {
  readonly schema: 'impound/quarantine-status/v1'
  readonly exitStatus: ExitStatus
  /** RFC 3339. */
  readonly at: string
  readonly cluster: { readonly context: string; readonly server: string }
  /** Absent where every namespace was looked at. */
  readonly namespace?: string
  /** By namespace, name and UID. */
  readonly holds: readonly HoldStatus[]
  /** What was not tried or could not be seen, for all of them, a line each. */
  readonly notTried: readonly string[]
}

/** One thing that --watch saw change. */
export interface QuarantineChange {
  readonly schema: 'impound/quarantine-change/v1'
  readonly at: string
  /** `held`: not there before; `released`: no trace of a hold is left. */
  readonly change: 'held' | 'changed' | 'released'
  /** As it is now; of a released one, as it was last. */
  readonly hold: HoldStatus
  /** Faults that were not there before, and codes of those that are gone. */
  readonly appeared: readonly HoldFault[]
  readonly mended: readonly HoldFault[]
}
