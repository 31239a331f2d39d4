import type { Bounded, Section, Sentence } from './model-shapes.js'

/** Of what ran and lay there while it was looked at: processes, sockets, mounts, the node, a checkpoint. */

export interface ProcessesReport extends Section {
  readonly captures: readonly {
    readonly what: Sentence
    readonly trust: string
    /** What this way of reading can't see, and what it did. */
    readonly notes: readonly string[]
  }[]
  /** Each after its parent. */
  readonly rows: Bounded<{
    readonly container: string
    /** With its depth before it, and the PID inside of the container after it where that is another. */
    readonly pid: string
    readonly name: string
    readonly command: string
    readonly exe: string | null
    readonly user: string | null
    readonly started: string | null
    readonly facts: string | null
  }>
  /** Files without a name, of which the bytes are in the archive. */
  readonly kept: Bounded<{
    readonly container: string
    readonly path: string
    readonly at: string
    readonly sha256: string
    readonly size: string
  }>
}

export interface SocketsReport extends Section {
  /** To somewhere else than the pod itself. */
  readonly connections: Bounded<{
    readonly protocol: string
    readonly local: string
    readonly remote: string
    readonly state: string
    readonly holders: string
    readonly after: string
  }>
  /** Whether sockets were read again after containment. */
  readonly lookedAgain: boolean
  /** Listening, raw and packet sockets. */
  readonly others: Bounded<{
    readonly protocol: string
    readonly local: string
    readonly state: string | null
    readonly holders: string
  }>
}

/** What lies where containers can write beside their own roots. */
export interface MountsReport extends Section {
  readonly taken: Bounded<{
    readonly container: string
    readonly point: string
    readonly type: string
    readonly what: string
    readonly files: string
    readonly size: string
    readonly trust: string
    readonly note: string | null
  }>
  /** The foremost files of all of them: executables, then the newest. */
  readonly notable: Bounded<{
    readonly place: string
    readonly path: string
    readonly size: string
    readonly mode: string
    readonly changed: string | null
    readonly sha256: string | null
  }>
  readonly left: Bounded<{ readonly place: string; readonly type: string; readonly why: string }>
}

export interface NodeTriageReport {
  readonly node: string
  readonly since: string
  readonly absent: string | null
  readonly files: Bounded<{
    readonly kind: string
    readonly path: string
    readonly size: string
    readonly changed: string | null
    readonly note: string | null
  }>
  /** Those first that no pod of the API explains. */
  readonly containers: Bounded<{
    readonly id: string
    readonly pod: string | null
    readonly image: string | null
    readonly processes: number
    readonly known: string
  }>
}

export interface CheckpointReport {
  readonly container: string
  readonly where: string
  readonly by: string | null
  /** How long its processes stood. */
  readonly stood: string | null
  readonly rootfs: string | null
  readonly deleted: Bounded<string>
  readonly processes: Bounded<{
    readonly pid: number
    readonly ppid: number
    readonly comm: string | null
    readonly exe: string | null
    readonly uid: string | null
    readonly state: string | null
  }>
  readonly sockets: Bounded<{
    readonly protocol: string
    readonly local: string
    readonly remote: string
    readonly state: string | null
    readonly holders: string
  }>
  readonly notRead: Bounded<{ readonly part: string; readonly why: string }>
}
