import type { LedgerRow, Status } from '../model/evidence.js'
import type { NodePodResult } from '../model/node-pod-plan.js'
import type { ExitStatus } from '../model/exit.js'
import type { UndoReport, Verdict } from '../model/containment.js'
import type { Connection } from '../model/connections.js'
import type { Aftermath } from './aftermath.js'
import type { AccountReach, ChangedFiles } from './found.js'

/** What came of a run: the end screen, and the document of --json. */
export interface RunResult {
  readonly schema: 'impound/result/v1'
  readonly command: 'seize' | 'snapshot' | 'quarantine'
  readonly case: string
  readonly exitStatus: ExitStatus
  /** Each thing that the exit status speaks of, a line each. */
  readonly because: readonly string[]
  readonly startedAt: string
  readonly endedAt: string
  readonly targets: readonly TargetResult[]
  readonly evidence: {
    readonly counts: Readonly<Record<Status, number>>
    /** Everything that is not `collected`. */
    readonly missing: readonly LedgerRow[]
  }
  readonly archive?: ArchiveResult
  /** The spool, where it could not be sealed. */
  readonly spool?: string
  /** Pods that were started on nodes, and whether they are gone. */
  readonly nodePods: readonly NodePodResult[]
  readonly footprint: { readonly requests: number; readonly changes: number }
}

export interface ArchiveResult {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
  readonly logHead: string
  readonly incomplete: boolean
  /** Read back and checked after it was written. */
  readonly verified: boolean
  readonly signed: false
  /** Files beside it: report, next steps, checksum. */
  readonly besides: readonly string[]
}

export interface TargetResult {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly containment?: ContainmentResult
  readonly after?: Aftermath
  /** With --kill: what came of deleting the pod, after the archive. */
  readonly kill?: KillResult
  /** A container each, of those whose files were compared with their image. */
  readonly changedFiles: readonly ChangedFiles[]
  /** What the suspect's own kernel still had after containment; absent where its sockets were not read then. */
  readonly connections?: readonly Connection[]
  /** Absent where the account's rights were not evaluated. */
  readonly account?: AccountReach
}

export interface KillResult {
  readonly state: 'gone' | 'being-deleted' | 'not-done' | 'failed'
  readonly why?: string
  /** An ErrorCode, of a failure. */
  readonly code?: string
}

export interface ContainmentResult {
  readonly verdict?: Verdict
  /** From the confirmation to the last needed write confirmed, ms. */
  readonly afterMs?: number
  readonly error?: Failure
  /** What was done beside the quarantine, and what of it failed; the quarantine went on all the same. */
  readonly actions: readonly { readonly action: string; readonly error?: Failure }[]
  /** Absent where this run changed nothing: there is nothing of it to take back. */
  readonly undo?: string
}

interface Failure {
  /** An ErrorCode. */
  readonly code: string
  readonly message: string
  readonly hints: readonly string[]
}

/** What came of a release. */
export interface ReleaseResult {
  readonly schema: 'impound/release/v1'
  readonly exitStatus: ExitStatus
  readonly targets: readonly {
    readonly namespace: string
    readonly name: string
    readonly uid: string
    readonly source: 'state' | 'archive' | 'annotation'
    /** Where `error` is set, what had been taken back by then. */
    readonly report: UndoReport
    readonly error?: Failure
  }[]
}
