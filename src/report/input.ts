import type { AccessDocument, ReferencesDocument } from '../model/access-documents.js'
import type { JournalEntry, Verdict } from '../model/containment.js'
import type { EventLine, NetworkDocument, OwnersDocument, PodDocument } from '../model/documents.js'
import type { DiffEntry, FilesystemSummary } from '../model/filesystem-documents.js'
import type { ImageDocument, ImageExportDocument } from '../model/image-document.js'
import type { LogsDocument } from '../model/log-documents.js'
import type { ArtefactRecord, LedgerRow } from '../model/evidence.js'
import type { ProcessesDocument, ProcessLine, SocketsDocument } from '../model/process-documents.js'
import type { MountsDocument } from '../model/mounts-document.js'
import type { CheckpointDocument } from '../model/checkpoint-document.js'
import type { NodeTriageDocument } from '../model/node-triage-document.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import type { Scene } from '../model/scene.js'
import type { Target } from '../model/target.js'

/** A change to the cluster, with the times of its two lines in the acquisition log where they are known. */
export interface ReportWrite extends JournalEntry {
  readonly at?: string
  readonly answeredAt?: string
}

export interface ReportFilesystem {
  readonly summary: FilesystemSummary
  /** The entries to show: all, or what {@link topChanges} left of them. */
  readonly entries: readonly DiffEntry[]
}

/** processes.json, and of processes.jsonl what {@link topProcesses} left. */
export interface ReportProcesses {
  readonly document: ProcessesDocument
  readonly shown: readonly ProcessLine[]
  readonly total: number
}

/** What is known of one pod. An undefined document was not collected; the ledger says why. */
export interface ReportTargetInput {
  /** Its directory's name below data/targets. */
  readonly directory: string
  readonly target: Pick<Target, 'namespace' | 'name' | 'uid'>
  readonly pod?: PodDocument
  readonly owners?: OwnersDocument
  readonly events?: readonly EventLine[]
  readonly logs?: LogsDocument
  readonly network?: NetworkDocument
  readonly access?: AccessDocument
  readonly references?: ReferencesDocument
  readonly processes?: ReportProcesses
  /** Before containment, and after it. */
  readonly sockets?: SocketsDocument
  readonly socketsAfter?: SocketsDocument
  readonly mounts?: MountsDocument
  readonly nodeTriage?: NodeTriageDocument
  readonly checkpoints?: readonly CheckpointDocument[]
  readonly images: readonly ImageDocument[]
  readonly imageExport?: ImageExportDocument
  readonly filesystems: readonly ReportFilesystem[]
  readonly plan?: QuarantinePlan
  readonly verdict?: Verdict
  readonly writes: readonly ReportWrite[]
  readonly after?: ReportAftermath
}

/** How suspect and owner stood when the run ended. */
export interface ReportAftermath {
  readonly suspect: string
  /** Restarts since the target was resolved. */
  readonly restarts: number
  /** Pods that the former owner made since the run began; absent where pods could not be listed. */
  readonly replacements?: readonly { readonly name: string; readonly ready: boolean }[]
  readonly unknown: readonly string[]
}

/** All that a report is made from: parsed documents of one run, from memory or from an archive. Any string may be hostile. */
export interface ReportInput {
  readonly scene: Scene
  readonly targets: readonly ReportTargetInput[]
  /** Changes to the cluster that belong to no target: what was started on nodes. */
  readonly otherWrites?: readonly ReportWrite[]
  readonly ledger: readonly LedgerRow[]
  readonly artefacts: readonly ArtefactRecord[]
  /** The bag's name: the archive's, without extension. */
  readonly archiveName: string
  /** '.tar.gz' if not said. */
  readonly archiveExtension?: string
  /** Why the archive is not what was meant to be sealed; absent where it is. */
  readonly incomplete?: string
  /** RFC 3339, local clock. */
  readonly startedAt: string
  readonly endedAt: string
  /** Requests sent to the API server: the run's footprint in the audit log. */
  readonly requestCount?: number
  /** SHA-256 of the acquisition log's last line, where the log is already closed. */
  readonly logHead?: string
  /** The house's handling label: 'TLP:AMBER'. */
  readonly handling?: string
}
