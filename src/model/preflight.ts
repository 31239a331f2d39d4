import type { AccessRule } from './api-path.js'
import type { ExitStatus } from './exit.js'

/** `not-known`: only trying it would tell. */
export type PreflightState = 'works' | 'partial' | 'missing' | 'not-known'

/** One thing that a run may need, and whether it will be had here. */
export interface PreflightRow {
  readonly area: 'cluster' | 'evidence' | 'containment' | 'node' | 'registry' | 'local'
  /** 'filesystem by exec', 'quarantine', '--cordon'. */
  readonly name: string
  readonly state: PreflightState
  /** Whether the flags ask for it: what nobody asked for does not count. */
  readonly asked: boolean
  /** A line each; may quote the cluster. */
  readonly why: readonly string[]
  readonly missingAccess: readonly AccessRule[]
}

/** What will work here. */
export interface Preflight {
  readonly schema: 'impound/preflight/v1'
  readonly exitStatus: ExitStatus
  /** RFC 3339. */
  readonly at: string
  readonly for: 'seize' | 'snapshot' | 'quarantine' | 'release'
  readonly cluster: { readonly context: string; readonly server: string; readonly version?: string }
  /** In the cluster's words; absent where it does not say. */
  readonly user?: string
  readonly namespace: string
  /** Absent where none is named: rights are asked for any pod of the namespace. */
  readonly target?: { readonly name: string; readonly uid: string }
  readonly rows: readonly PreflightRow[]
}
