import type { WriteIntent, WriteOutcome } from './acquisition.js'
import type { AccessRule } from './api-path.js'
import type { KubeReader, ServedResource } from './ports/kube-reader.js'
import type { KubeWriter } from './ports/kube-writer.js'
import type { NodePods } from './ports/node-pod.js'
import type { RunContext } from './ports/run-context.js'
import type { ActionPlan, QuarantinePlan } from './quarantine-plan.js'
import type { Target } from './target.js'

/** How well a containment holds, as far as was seen. */
export type VerdictKind = 'enforced' | 'partial' | 'unverified' | 'not-enforced'

export interface Verdict {
  readonly schema: 'impound/verdict/v1'
  readonly kind: VerdictKind
  /**
   * By what it was tried: from the suspect's own network by a pod on its node; by a twin, which stands for it and shows none of its connections;
   * by nothing but reading the API.
   */
  readonly means: 'own-network' | 'twin' | 'api'
  /** One sentence: why it is that and not better. */
  readonly why: string
  /** What was tried and seen, a line each; empty where nothing was. */
  readonly tried: readonly string[]
  /** What stays open, named: residual policies and what they allow, connections, paths that no policy reaches. */
  readonly open: readonly string[]
  /** RFC 3339: when the last needed write was confirmed. */
  readonly inForceAt?: string
}

export interface ReadContext {
  readonly run: RunContext
  readonly kube: KubeReader
}

export interface WriteContext extends ReadContext {
  readonly writer: KubeWriter
  readonly nodePods: NodePods
}

/** An intent and, where an answer came, its outcome: what undo works from. */
export interface JournalEntry {
  readonly intent: WriteIntent
  readonly outcome?: WriteOutcome
}

/** What undo did, and what it left alone because somebody else changed it since. */
export interface UndoReport {
  readonly done: readonly string[]
  readonly left: readonly string[]
  /** What it takes to do it (of a dry run): a pod on the node, with --allow node. */
  readonly needs?: 'node'
}

/** What one look at a containment saw. */
export interface Finding {
  readonly tried: readonly string[]
  readonly open: readonly string[]
  /** Why it certainly does not hold. */
  readonly broken?: string
  /** What NetworkPolicies allow, and others of its kind, is denied before they are asked: all of it, or by these alone, by name. */
  readonly overrides?: 'all' | readonly string[]
  /** Packets of connections that were open, and whatever NetworkPolicies let through, are dropped. */
  readonly cuts?: true
}

/** A pod that is held, and for which case. */
export interface Suspect extends Pick<Target, 'namespace' | 'name' | 'uid'> {
  readonly case: string
}

/** Actions that nothing but a flag of their name brings about. */
export type WantedAction =
  | 'patch-residuals'
  | 'cordon'
  | 'detach-bindings'
  | 'deny-access'
  | 'block-token'
  | 'drop-connections'
  | 'freeze'
  | 'detach-owner'

/** What came of an action beside the quarantine; without an error it was carried out. */
export interface ActionOutcome {
  readonly action: string
  readonly error?: unknown
}

/**
 * A way to contain a pod beside the quarantine itself. Every write goes through KubeWriter, which journals it; the entries
 * come back to the action whose name they carry. Actions of one stage are applied in the order of their list, and all are undone in
 * reverse. `before-cut`: the pod is locked and its deny-all stands, and no label has gone. `after-cut`: the
 * policy is in force. `verify`: nothing but what verification starts, and removes itself; undo takes away what a killed run left of it.
 */
export interface ContainmentAction<Plan extends ActionPlan = ActionPlan> {
  readonly name: string
  readonly stage: 'before-cut' | 'after-cut' | 'verify'
  requirements(target: Target): {
    readonly access: readonly AccessRule[]
    /** An API that not every cluster serves. */
    readonly served?: Pick<ServedResource, 'group' | 'version' | 'resource'>
    /** Done by a pod on the suspect's node. */
    readonly by?: 'node'
  }
  /** Changes nothing. Undefined where it has nothing to do: not asked for, not here. */
  plan(
    context: WriteContext,
    target: Target,
    quarantine: Omit<QuarantinePlan, 'actions'>,
  ): Promise<Plan | undefined>
  /** Idempotent. What it throws is told and stops neither the quarantine nor the other actions. */
  apply(context: WriteContext, plan: Plan, suspect: Suspect): Promise<void>
  verify(context: WriteContext, plan: Plan, suspect: Suspect): Promise<Finding>
  /** NetworkPolicies that do not count as long as what this made stands: all, or those by name. Reads only. */
  overriding?(context: WriteContext, suspect: Suspect): Promise<'all' | readonly string[]>
  /**
   * Takes back what the entries say and what carries the marks of this suspect: without a journal there are only marks. What it
   * throws stops the release, on the closed side. With `dryRun` it only says what it would do.
   */
  undo(
    context: WriteContext,
    suspect: Suspect,
    entries: readonly JournalEntry[],
    mode: { readonly dryRun: boolean },
  ): Promise<UndoReport>
}

/** The quarantine with all actions beside it, as one: what a run applies, and what release takes back. */
export interface Containment {
  requirements(target: Target): { readonly access: readonly AccessRule[] }
  /** Changes nothing: reads, and tries each write with dryRun. */
  plan(context: WriteContext, target: Target): Promise<QuarantinePlan>
  /**
   * Idempotent: on a target that is already contained for the same case it completes what is missing. Throws what stopped the
   * quarantine itself; of the other actions, `heard` is told. `inForce` is called when the last write of the cut is confirmed.
   */
  apply(
    context: WriteContext,
    plan: QuarantinePlan,
    heard?: (outcome: ActionOutcome) => void,
    inForce?: () => void,
  ): Promise<void>
  verify(context: WriteContext, plan: QuarantinePlan): Promise<Verdict>
  undo(context: WriteContext, entries: readonly JournalEntry[]): Promise<UndoReport>
}
