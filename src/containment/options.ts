import type { WantedAction } from '../model/containment.js'
import type { Scripts } from '../model/scripts.js'

/** What the responder said about a quarantine. */
export interface QuarantineOptions {
  readonly case: string
  /** Who holds the pod, as the lock says it to the next responder: 'ana@corp'. */
  readonly who: string
  /** Labels that stay although nothing needs them (--keep-label). */
  readonly keepLabels: readonly string[]
  /** Take a Service's last ready endpoint (--allow-outage). */
  readonly allowOutage: boolean
  /** Actions beside the quarantine that were asked for, each by the flag of its name. */
  readonly wanted: ReadonlySet<WantedAction>
  /** A privileged pod may run on the suspect's node (--allow node). */
  readonly allowNode: boolean
  /** A twin of the suspect may be started in its namespace (--allow twin). */
  readonly twin?: TwinWishes
  readonly scripts: Pick<Scripts, 'dropConnections' | 'freeze' | 'probeNetwork' | 'twin'>
  readonly toolVersion: string
}

/** How a twin is made, and whose it is. */
export interface TwinWishes {
  readonly image: string
  /** The run, by the name that the record has for it. */
  readonly run: string
  readonly owner: { readonly who: string; readonly host: string; readonly pid: number }
  /** Whether the process that started one still lives, as far as can be told from here; undefined where it can't. */
  readonly isAlive: (owner: { readonly host: string; readonly pid: number }) => boolean | undefined
}
