import type { ErrorCode } from './errors.js'

/** How a piece of evidence that was asked for ended. */
export type Status = 'collected' | 'partial' | 'skipped' | 'failed'

/** Reasons that don't count against completeness. */
export const HARMLESS_REASONS = ['not-requested', 'not-applicable'] as const
/** Reasons that do. Closed list: a new reason is a new word in the report and in scripts. */
export const COUNTED_REASONS = [
  'not-allowed',
  'forbidden',
  'unsupported',
  'unreachable',
  'timeout',
  'stalled',
  'cut',
  'too-big',
  'target-gone',
  'target-refused',
  'interrupted',
  'failed',
] as const

export type HarmlessReason = (typeof HARMLESS_REASONS)[number]
export type CountedReason = (typeof COUNTED_REASONS)[number]
export type Reason = HarmlessReason | CountedReason

/** Why a piece of evidence is missing or partial, from the error that stopped it: the same for every collector. */
export const REASON_OF: Record<ErrorCode, CountedReason> = {
  usage: 'failed',
  configuration: 'failed',
  forbidden: 'forbidden',
  unauthorized: 'forbidden',
  'not-found': 'target-gone',
  ambiguous: 'failed',
  'target-changed': 'target-gone',
  conflict: 'failed',
  gone: 'cut',
  invalid: 'target-refused',
  throttled: 'unreachable',
  server: 'unreachable',
  unreachable: 'unreachable',
  timeout: 'timeout',
  stalled: 'stalled',
  cut: 'cut',
  'too-big': 'too-big',
  'target-refused': 'target-refused',
  unsupported: 'unsupported',
  integrity: 'failed',
  refused: 'not-allowed',
  storage: 'failed',
  aborted: 'interrupted',
  bug: 'failed',
}

/** When in a run a collector works. */
export type Phase = 'read' | 'volatile' | 'contained' | 'slow'

/** How far the bytes of an artefact can be trusted, worst last. `api` is what the API server said. */
export type Trust =
  'api' | 'registry-verified' | 'node-kernel' | 'merged-view' | 'target-controlled' | 'derived' | 'tool'

/** Where an artefact's bytes came from. */
export interface Source {
  /** 'api' a response body; 'stream' log or exec bytes; 'registry' a blob; 'derived' joined or computed by us. */
  readonly kind: 'api' | 'stream' | 'registry' | 'derived'
  readonly mediaType: string
  readonly trust: Trust
  /** What was asked: 'GET /api/v1/…', 'exec app: sh -c …', 'GET registry.example/v2/…'. */
  readonly request?: string
  /** Our Audit-ID for it. */
  readonly auditId?: string
  /** Archive paths that a derived artefact was made from. */
  readonly derivedFrom?: readonly string[]
}

/** One file of evidence, as it stands in the acquisition log and in data/index.jsonl. */
export interface ArtefactRecord {
  /** Path below the bag's root, e.g. data/targets/shop_web_1f3a…/logs/app/current.log */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  readonly collector: string
  /** The target's directory name; absent for what belongs to the whole case. */
  readonly target?: string
  readonly source: Source
  readonly status: 'collected' | 'partial'
  readonly reason?: CountedReason
  readonly detail?: string
  /** RFC 3339, milliseconds, the local clock. */
  readonly startedAt: string
  readonly endedAt: string
}

/** One row of the ledger: a piece of evidence that was asked for and how it ended. */
export interface LedgerRow {
  readonly collector: string
  readonly target?: string
  /** What it is, in the responder's words: 'logs app previous'. */
  readonly subject: string
  readonly status: Status
  readonly reason?: Reason
  /** One line, may quote hostile text. */
  readonly detail?: string
  /** The archive path, where there is a file. */
  readonly path?: string
  readonly bytes?: number
}

/** Whether a row makes the evidence incomplete (exit status 3). */
export function countsAgainst(row: LedgerRow): boolean {
  return (
    row.status !== 'collected' && !(HARMLESS_REASONS as readonly string[]).includes(row.reason ?? 'failed')
  )
}
