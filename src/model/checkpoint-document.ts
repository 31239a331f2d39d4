import type { CountedReason } from './evidence.js'

/** A member of the archive, as it lies in there. Strings may be hostile. */
export interface CheckpointPart {
  readonly path: string
  readonly pathB64?: string
  readonly type: string
  readonly size: number
  /** Of a file. */
  readonly sha256?: string
}

/** A process as CRIU stopped it; PIDs as the container numbers them. */
export interface CheckpointProcess {
  readonly pid: number
  readonly ppid: number
  readonly pgid?: number
  readonly sid?: number
  readonly threads: number
  readonly state?: 'alive' | 'dead' | 'stopped'
  /** Absent where its image is not there or can't be read. */
  readonly comm?: string
  readonly commB64?: string
  readonly uid?: number
  readonly gid?: number
  /** The file that it executes, by the path that it was opened by. */
  readonly exe?: string
  /** Absent where its descriptors could not be read. */
  readonly openFiles?: number
}

export interface CheckpointSocket {
  readonly protocol: string
  readonly state?: string
  readonly local: { readonly address: string; readonly port: number }
  readonly remote: { readonly address: string; readonly port: number }
  readonly inode?: number
  readonly holders: readonly { readonly pid: number; readonly fd: number }[]
}

/** A line of rootfs-diff.jsonl: a member of rootfs-diff.tar, what the container wrote into its root. */
export interface CheckpointFile {
  readonly path: string
  readonly pathB64?: string
  readonly type: string
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime?: string
  readonly link?: string
  readonly sha256?: string
  /** By its name a deletion, as layers of images have it; a container may make a file of such a name. */
  readonly whiteout?: true
}

/** checkpoint/<container>/checkpoint.json */
export interface CheckpointDocument {
  readonly schema: 'impound/checkpoint/v1'
  readonly derivedFrom: readonly string[]
  readonly container: string
  /** What the runtime says of it in config.dump. */
  readonly made: {
    readonly runtime?: string
    readonly image?: string
    readonly at?: string
  }
  /** How long it took to stop the processes and how long they stood, µs, as CRIU says; absent where it does not. */
  readonly freezingUs?: number
  readonly frozenUs?: number
  readonly parts: readonly CheckpointPart[]
  readonly partsMore: number
  readonly processes: readonly CheckpointProcess[]
  readonly processesMore: number
  readonly sockets: readonly CheckpointSocket[]
  readonly socketsMore: number
  /** Absent where the archive has no rootfs-diff.tar. */
  readonly rootfs?: {
    /** rootfs-diff.jsonl, in the archive. */
    readonly path: string
    readonly entries: number
    readonly whole: boolean
  }
  /** deleted.files; absent where the archive has none. */
  readonly deletedFiles?: readonly string[]
  readonly deletedFilesMore?: number
  /** What could not be read, and what is odd in what could. */
  readonly notRead: readonly {
    readonly part: string
    readonly reason: CountedReason
    readonly why: string
  }[]
}
