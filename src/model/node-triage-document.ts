import type { CountedReason } from './evidence.js'

export type TriageKind =
  | 'journal'
  | 'node-log'
  | 'static-pod'
  | 'kubelet-config'
  | 'cron'
  | 'systemd-unit'
  | 'preload'
  | 'ssh-keys'
  | 'container'

/** A file of the node that was looked for and found. Strings may be hostile. */
export interface TriageFile {
  readonly kind: TriageKind
  /** As it lies on the node, symlinks of its folders followed. */
  readonly path: string
  readonly size: number
  readonly mode: string
  readonly uid: number
  readonly mtime?: string
  readonly ctime?: string
  /** What it says, where it is a symlink: nobody followed it. */
  readonly link?: string
  /** 'whole' and 'cut': in the tar, under its path. */
  readonly kept: 'whole' | 'cut' | 'no'
  readonly reason?: CountedReason
  readonly why?: string
}

/** A container as its runtime or the kernel knows it. */
export interface TriageContainer {
  readonly id: string
  /** Where the runtime has its state; absent where only a cgroup tells of it. */
  readonly state?: string
  /** 'sandbox' is the pause container of a pod. */
  readonly type?: string
  readonly podNamespace?: string
  readonly podName?: string
  readonly podUid?: string
  readonly image?: string
  readonly processes: number
  /** Whether the API's pods of this node have it; absent where they could not be read. A sandbox counts by its pod. */
  readonly inApi?: boolean
}

/** How a provider is asked for snapshots of the node's disks: printed, never run. */
export interface DiskSnapshot {
  readonly provider: string
  readonly providerID: string
  readonly commands: readonly string[]
  readonly note?: string
}

/** node-triage.json */
export interface NodeTriageDocument {
  readonly schema: 'impound/node-triage/v1'
  readonly derivedFrom: readonly string[]
  readonly node: string
  /** Logs and units that changed after this were taken. */
  readonly since: string
  readonly files: readonly TriageFile[]
  readonly filesMore: number
  readonly containers: readonly TriageContainer[]
  readonly containersMore: number
  /** Kinds of which nothing was found. */
  readonly absent: readonly TriageKind[]
  readonly diskSnapshot?: DiskSnapshot
}
