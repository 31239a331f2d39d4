/**
 * What a report says, before anybody has decided how it looks: schemas/report.v1.json. Null means not known or not
 * stated, never none. Every string may quote hostile text; renderers escape all of them.
 */
export interface ReportModel {
  readonly schema: 'impound/report/v1'
  readonly case: string
  readonly run: string
  readonly command: string
  readonly handling: string | null
  /** Archive path of the list of what was redacted in API documents; null where nothing was. */
  readonly redactions: string | null
  readonly archive: {
    readonly name: string
    readonly file: string
    readonly incomplete: string | null
    readonly logHead: string | null
  }
  readonly period: {
    readonly started: string
    readonly ended: string
    readonly duration: string | null
    readonly requests: number | null
  }
  readonly summary: readonly Sentence[]
  readonly scope: Scope
  readonly clocks: Clocks
  readonly gaps: Gaps
  readonly changes: Changes
  readonly inventory: Inventory
  readonly targets: Bounded<TargetReport>
  /** Whether anything was read with tools inside of a container that an attacker may control. */
  readonly usedTargetTools: boolean
  /** What a report of this kind may hold and this version doesn't work out, a line each. */
  readonly notEvaluated: readonly string[]
  readonly verification: { readonly archive: string; readonly contents: string; readonly tool: string }
  readonly nextSteps: readonly Step[]
}

/** A list cut to what a reader can take in; `more` are left out and stand in `where`. */
export interface Bounded<Item> {
  readonly items: readonly Item[]
  readonly total: number
  readonly more: number
  /** Archive path of the whole list. */
  readonly where: string
}

/** Words of ours (`say`) and quoted values in turn; one of the two is the empty string. */
export interface Sentence {
  readonly parts: readonly { readonly say: string; readonly value: string }[]
}

export interface Scope {
  readonly pods: readonly { readonly namespace: string; readonly name: string; readonly uid: string }[]
  readonly user: string | null
  readonly groups: string | null
  readonly impersonating: string | null
  readonly operator: string
  readonly examiner: string | null
  readonly authority: string | null
  readonly context: string
  readonly server: string
  readonly clusterUid: string | null
  readonly clusterVersion: string | null
  readonly tlsChain: readonly string[]
  readonly tool: string
  readonly toolDigest: string | null
  readonly argv: string
  readonly platform: string
  /** What could not be had for the scene. */
  readonly missing: readonly string[]
}

export interface Clocks {
  readonly local: string
  readonly utcOffset: string
  readonly ntp: string
  readonly apiServer: Sentence
}

export interface Gaps {
  readonly tally: {
    readonly collected: number
    readonly partial: number
    readonly failed: number
    readonly skipped: number
  }
  /** What counts against completeness: failed first, then partial, then skipped. */
  readonly counted: Bounded<Gap>
  /** What was not asked for or does not exist here. */
  readonly harmless: Bounded<Gap>
}

export interface Gap {
  readonly pod: string | null
  readonly subject: string
  readonly collector: string
  readonly status: string
  readonly reason: string
  /** The reason in words. */
  readonly why: string
  readonly detail: string | null
}

export interface Changes {
  readonly writes: Bounded<WriteRow>
  readonly confirmed: number
  readonly refused: number
  /** Writes without an answer: they may or may not have taken effect. */
  readonly unknown: number
  /** Commands; null where there is nothing to undo. */
  readonly undo: { readonly live: string; readonly fromArchive: string } | null
  readonly onRelease: readonly Sentence[]
}

export interface WriteRow {
  readonly number: number
  readonly at: string | null
  readonly what: string
  readonly request: string
  /** 'confirmed', 'refused', 'no answer'. */
  readonly outcome: string
  readonly status: number | null
  readonly error: string | null
  readonly auditId: string
}

export interface Inventory {
  readonly total: number
  readonly bytes: string
  /** Archive path of the list of all. */
  readonly where: string
  readonly trust: readonly { readonly trust: string; readonly meaning: string; readonly files: number }[]
  /** By the directory that they share; '' is the bag's root. */
  readonly groups: readonly { readonly directory: string; readonly files: Bounded<InventoryRow> }[]
}

export interface InventoryRow {
  /** Below the group's directory. */
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  readonly trust: string
  readonly status: string
}

/** A part of a report of which the evidence may be missing: then `absent` says why, and the rest is empty. */
interface Section {
  readonly absent: Sentence | null
}

export interface TargetReport {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly directory: string
  readonly containment: ContainmentReport
  readonly pod: PodReport
  readonly images: Section & { readonly containers: Bounded<ImageReport> }
  readonly filesystems: Section & { readonly containers: Bounded<FilesystemReport> }
  readonly logs: LogsReport
  readonly events: Section & { readonly rows: Bounded<EventRow> }
  readonly network: NetworkReport
}

export interface ContainmentReport {
  /** The verdict's word, or 'not contained by this run' or 'not known'. */
  readonly verdict: string
  readonly meaning: string
  readonly why: string | null
  readonly inForceAt: string | null
  readonly tried: readonly string[]
  readonly open: readonly string[]
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

/** Something that a person should do next. */
export interface Step {
  readonly number: number
  readonly title: string
  readonly why: Sentence
  /** Shell commands, one a line; null where there is none to give. */
  readonly commands: string | null
  readonly notes: readonly Sentence[]
}
