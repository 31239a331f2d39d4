import type { WriteIntent, WriteOutcome } from './acquisition.js'
import type { AccessRule } from './api-path.js'
import type { KubeReader } from './ports/kube-reader.js'
import type { KubeWriter } from './ports/kube-writer.js'
import type { RunContext } from './ports/run-context.js'
import type { Target } from './target.js'

/** How well a containment holds, as far as was seen. */
export type VerdictKind = 'enforced' | 'partial' | 'unverified' | 'not-enforced'

export interface Verdict {
  readonly schema: 'impound/verdict/v1'
  readonly kind: VerdictKind
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
}

/** A way to cut a pod off. Every write goes through KubeWriter, which journals it. */
export interface ContainmentAction<Plan> {
  readonly name: string
  requirements(target: Target): { readonly access: readonly AccessRule[] }
  /** Changes nothing: reads, and tries each write with dryRun. */
  plan(context: WriteContext, target: Target): Promise<Plan>
  /** Idempotent: on a target that is already contained for the same case it completes what is missing. */
  apply(context: WriteContext, plan: Plan): Promise<void>
  verify(context: ReadContext, plan: Plan): Promise<Verdict>
  undo(context: WriteContext, entries: readonly JournalEntry[]): Promise<UndoReport>
}
