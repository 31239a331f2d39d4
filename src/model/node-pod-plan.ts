import type { AccessRule } from './api-path.js'

/** What a run would start on nodes, and what it would remove of earlier runs that were killed: shown before it is done. */
export interface NodePodPlan {
  readonly image: string
  /** Whether the image is named by digest: else what runs is what the tag stands for at the time. */
  readonly byDigest: boolean
  readonly namespace: string
  /** Whether the namespace is made for it, and removed afterwards. */
  readonly madeNamespace: boolean
  readonly pods: readonly PlannedNodePod[]
  /** Of ours, of runs that are not alive. */
  readonly leftovers: readonly NodePodLeftover[]
  readonly missingAccess: readonly AccessRule[]
  readonly attackerSees: readonly string[]
}

export interface PlannedNodePod {
  readonly node: string
  readonly name: string
  /** What is known beforehand of whether it will come up. */
  readonly will: 'admitted' | 'refused' | 'not-known'
  readonly why: string
}

export interface NodePodLeftover {
  readonly kind: 'pod' | 'namespace'
  /** Of a namespace its own name. */
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly case: string
  readonly run: string
}

/** What came of a pod on a node. */
export interface NodePodResult {
  readonly node: string
  readonly namespace: string
  readonly name: string
  readonly image: string
  /** From the first request until its container ran, ms; absent where it never did. */
  readonly readyAfterMs?: number
  /** Why it was not to be had. */
  readonly error?: { readonly code: string; readonly message: string; readonly hints: readonly string[] }
  /**
   * 'checked': it was there and is gone, by UID. 'ended': its container has ended, and its deletion is under way. 'never-there':
   * it was not created. 'not-known': look yourself.
   */
  readonly removed: 'checked' | 'ended' | 'never-there' | 'not-known'
  /** The command that removes what may be left. */
  readonly remove?: string
}
