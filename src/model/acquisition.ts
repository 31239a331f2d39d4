import type { ArtefactRecord, LedgerRow, Phase } from './evidence.js'
import type { Json } from './json.js'
import type { Scene } from './scene.js'

/**
 * The acquisition log, acquisition.jsonl: one compact JSON object a line, `seq` and `prev` first. `prev` is the
 * SHA-256 (hex) of the previous raw line with its newline; line 0 has 64 zeros. It is the only journal: index and
 * ledger are projections of it: a later line about a path replaces the earlier one, and an `outcome` with a path says
 * that this file is no longer there.
 */
export type LogBody =
  | { readonly type: 'scene'; readonly scene: Scene }
  | {
      readonly type: 'phase'
      readonly phase: Phase | 'contain' | 'seal'
      readonly state: 'begin' | 'end'
      readonly target?: string
    }
  | { readonly type: 'artefact'; readonly artefact: ArtefactRecord; readonly subject?: string }
  | { readonly type: 'outcome'; readonly row: LedgerRow }
  | { readonly type: 'intent'; readonly intent: WriteIntent }
  | { readonly type: 'result'; readonly result: WriteOutcome }
  | { readonly type: 'remark'; readonly text: string; readonly data?: Json }
  | { readonly type: 'interrupted'; readonly by: string }
  | { readonly type: 'sealed'; readonly incomplete: boolean; readonly why?: string }

export type LogLine = { readonly seq: number; readonly prev: string; readonly at: string } & LogBody

/** A request that will change the cluster; written and fsynced before it is sent. */
export interface WriteIntent {
  /** Unique within the run; joins intent and result. */
  readonly id: string
  /** The containment action or collector, and its step: 'quarantine', 'label'. */
  readonly action: string
  readonly step: string
  readonly method: 'POST' | 'PATCH' | 'DELETE' | 'PUT'
  /** URL path with query. */
  readonly path: string
  /** The body that will be sent. */
  readonly body?: Json
  /** What stood there before, as far as undo needs it. */
  readonly prior?: Json
  /** The Audit-ID header that goes with it. */
  readonly auditId: string
  readonly target?: { readonly namespace: string; readonly name: string; readonly uid: string }
}

export interface WriteOutcome {
  readonly id: string
  /** HTTP status; absent where no answer came: the write may or may not have taken effect. */
  readonly status?: number
  readonly error?: string
  /** resourceVersion and uid of what the server says it wrote. */
  readonly resourceVersion?: string
  readonly uid?: string
}
