import type { AccessRule } from '../model/api-path.js'
import type { Allowance, Impact, Way } from '../model/collector.js'
import type { NodePodPlan } from '../model/node-pod-plan.js'
import type { Phase } from '../model/evidence.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import type { Scene } from '../model/scene.js'

/** What a run would do: the plan screen, and the document of --dry-run --json. */
export interface RunPlan {
  readonly schema: 'impound/plan/v1'
  readonly command: 'seize' | 'snapshot' | 'quarantine'
  readonly case: string
  /** RFC 3339. */
  readonly at: string
  readonly scene: Scene
  readonly allow: readonly Allowance[]
  readonly containFirst: boolean
  readonly volatileBudgetMs: number
  readonly targets: readonly TargetPlan[]
  /** What --allow node would start; absent where the targets are on no node. */
  readonly nodePods?: NodePodPlan
  readonly store: { readonly directory: string; readonly freeBytes?: number }
}

export interface TargetPlan {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly created?: string
  readonly restarts: number
  readonly node?: string
  readonly serviceAccount?: string
  /** 'Deployment web' as far as the pod's own owner reference or the quarantine plan tells. */
  readonly owner?: string
  readonly images: readonly {
    readonly container: string
    readonly reference: string
    readonly imageID: string
  }[]
  /** Secrets that are read where a registry wants credentials; absent where that was not allowed. */
  readonly pullSecrets?: readonly string[]
  readonly collectors: readonly CollectorPlan[]
  /** The command that takes the quarantine back; absent for a snapshot, as `quarantine` is. */
  readonly undo?: string
  readonly quarantine?: QuarantinePlan
  /** With --kill: the pod is deleted once the archive is sealed and verified. */
  readonly kill?: KillPlan
}

export interface KillPlan {
  /** How long the kubelet lets its processes end by themselves, s. */
  readonly graceSeconds: number
  readonly losses: readonly string[]
  readonly missingAccess: readonly AccessRule[]
  /** Why the server would not do it, as a dry run said. */
  readonly refused?: string
}

/** One collector: whether it will run, and what will be missing from it. */
export interface CollectorPlan {
  readonly name: string
  readonly phases: readonly Phase[]
  readonly impact: Impact
  /** Any one of these must be allowed, best first; empty for what only reads. */
  readonly needs: readonly Way[]
  readonly will: 'collect' | 'skip'
  readonly why?: string
  /** What it does to pod and node beyond being there. */
  readonly disturbs?: readonly string[]
  readonly missingAccess: readonly AccessRule[]
}
