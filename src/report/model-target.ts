import type {
  CheckpointReport,
  MountsReport,
  NodeTriageReport,
  ProcessesReport,
  SocketsReport,
} from './model-live.js'
import type { Bounded, Section, Sentence } from './model-shapes.js'

export interface TargetReport {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly directory: string
  readonly containment: ContainmentReport
  readonly pod: PodReport
  readonly processes: ProcessesReport
  readonly sockets: SocketsReport
  readonly images: Section & { readonly containers: Bounded<ImageReport> }
  readonly filesystems: Section & { readonly containers: Bounded<FilesystemReport> }
  readonly logs: LogsReport
  readonly events: Section & { readonly rows: Bounded<EventRow> }
  readonly network: NetworkReport
  readonly blastRadius: BlastRadiusReport
  readonly mounts: MountsReport
  /** Of containers that were checkpointed; empty where nobody asked for it. */
  readonly checkpoints: readonly CheckpointReport[]
  /** Null where nobody asked for it. */
  readonly nodeTriage: NodeTriageReport | null
}

export interface ContainmentReport {
  /** The verdict's word, or 'not contained by this run' or 'not known'. */
  readonly verdict: string
  readonly meaning: string
  readonly why: string | null
  readonly inForceAt: string | null
  readonly tried: readonly string[]
  readonly open: readonly string[]
  /** What enforces policies there, by what could be seen of it. */
  readonly network: readonly string[]
  readonly wontStop: readonly string[]
  readonly attackerSees: readonly string[]
  readonly residuals: Bounded<{ readonly policy: string; readonly allows: string }>
  readonly labelsRemoved: string | null
  readonly labelsAdded: string | null
  readonly labelsKept: readonly { readonly key: string; readonly why: string }[]
  readonly services: Bounded<{
    readonly name: string
    readonly readyNow: number
    readonly readyAfter: number
  }>
}

export interface PodReport extends Section {
  readonly created: string | null
  readonly phase: string | null
  readonly node: string | null
  readonly podIP: string | null
  readonly hostIP: string | null
  readonly serviceAccount: string | null
  readonly hostNetwork: boolean
  readonly labels: string | null
  readonly owners: readonly { readonly owner: string; readonly uid: string; readonly note: string | null }[]
  readonly ownersAbsent: Sentence | null
  readonly containers: Bounded<{
    readonly name: string
    readonly role: string
    readonly state: string
    readonly started: string | null
    readonly restarts: number
    readonly lastExit: string | null
    readonly containerID: string
  }>
  /** How it stood when the run ended; null where nobody looked. */
  readonly after: string | null
  /** Pods that its owner made in its place; null where nobody looked. */
  readonly replacements: readonly { readonly name: string; readonly state: string }[] | null
  /** Null where they could not be listed. */
  readonly neighbours: Bounded<{ readonly pod: string; readonly uid: string }> | null
}

export interface ImageReport {
  readonly container: string
  readonly reference: string
  readonly imageID: string
  readonly registry: Sentence
  readonly tag: Sentence
  readonly created: string | null
  readonly platform: string | null
  readonly layers: string | null
  readonly notes: readonly string[]
}

export interface FilesystemReport {
  readonly container: string
  readonly method: string
  readonly trust: string
  readonly baseline: Sentence
  readonly capture: Sentence
  /** False where there was no image to compare with: then counts and entries say nothing. */
  readonly compared: boolean
  readonly counts: readonly { readonly kind: string; readonly count: number }[]
  readonly entries: Bounded<ChangeRow>
  readonly disturbance: readonly string[]
  readonly degraded: readonly string[]
  /** Better ways that were allowed, and why they were not taken. */
  readonly passedOver: readonly Sentence[]
}

export interface ChangeRow {
  readonly path: string
  readonly pathB64: string | null
  readonly change: string
  /** Why it stands where it stands: flags in words. */
  readonly notable: string | null
  readonly detail: string
  readonly modified: string | null
  readonly sha256: string | null
  /** Whether its bytes are in the archive; null where there are none to keep. */
  readonly content: string | null
}

export interface LogsReport extends Section {
  readonly rows: Bounded<{
    readonly container: string
    readonly run: string
    readonly size: string
    readonly lines: number
    readonly first: string | null
    readonly last: string | null
    /** What is known to be missing or odd. */
    readonly notes: readonly string[]
  }>
  /** Whether rotated log files could be had. */
  readonly older: string | null
  /** The files on the node. */
  readonly files: Bounded<{
    readonly name: string
    readonly size: string
    readonly lines: number | null
    readonly first: string | null
    readonly last: string | null
    readonly notes: readonly string[]
  }>
  /** What is missing from the logs, and how that is known. */
  readonly gaps: Bounded<{
    readonly container: string
    readonly what: string
    readonly from: string | null
    readonly to: string | null
    readonly certainty: string
    readonly why: string
  }>
}

export interface EventRow {
  readonly first: string | null
  readonly last: string | null
  readonly count: number
  readonly object: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly reporter: string
}

export interface NetworkReport extends Section {
  /** Null where policies could not be listed. */
  readonly policies: Bounded<{
    readonly name: string
    readonly selects: string
    readonly types: string
    readonly allows: string
  }> | null
  readonly services: Bounded<{
    readonly name: string
    readonly type: string
    readonly clusterIP: string
    readonly ports: string
    readonly endpoints: string
  }> | null
  readonly ingresses: Bounded<{
    readonly name: string
    readonly hosts: string
    readonly services: string
  }> | null
  readonly missing: readonly { readonly what: string; readonly why: string; readonly detail: string }[]
}

/** What the pod's account can do, and what an intruder may have taken. */
export interface BlastRadiusReport extends Section {
  /** namespace/name; null where it was not looked at. */
  readonly account: string | null
  readonly powers: Bounded<{
    readonly can: string
    readonly where: string
    /** Null: of all names. */
    readonly names: string | null
    readonly verbs: string
    readonly through: string
  }>
  /** How many rules it has in all: '3 rules'. */
  readonly rules: string
  /** Why there may be more. */
  readonly limits: readonly Sentence[]
  readonly rotate: Bounded<Sentence>
  readonly configMaps: Bounded<string>
  readonly volumes: Bounded<{
    readonly name: string
    readonly type: string
    readonly source: string | null
    readonly mounts: string | null
  }>
  readonly missing: readonly { readonly what: string; readonly why: string; readonly detail: string }[]
}
