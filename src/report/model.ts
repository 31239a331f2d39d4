import type { Bounded, Sentence } from './model-shapes.js'
import type { TargetReport } from './model-target.js'

export type * from './model-shapes.js'
export type * from './model-live.js'
export type * from './model-target.js'

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

/** Something that a person should do next. */
export interface Step {
  readonly number: number
  readonly title: string
  readonly why: Sentence
  /** Shell commands, one a line; null where there is none to give. */
  readonly commands: string | null
  readonly notes: readonly Sentence[]
}
