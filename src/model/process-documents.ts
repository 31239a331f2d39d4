import type { Trust } from './evidence.js'

/** Documents of the collectors processes, sockets and memory. All strings may be hostile: U+FFFD stands where bytes are no UTF-8. */

/** Something about a process that a reader should look at. Facts, each with benign explanations; no verdicts. */
export type ProcessFact =
  /** The file that it runs has no name any more. */
  | 'exe-deleted'
  /** It runs a file that was never in any file system. */
  | 'exe-memfd'
  /** Its name or command line is in brackets, as a kernel thread's is, and it is none. */
  | 'fake-kernel-thread'
  /** The file that it runs lies on a device of which nothing is mounted where it lives. */
  | 'exe-outside-mounts'
  /** Its parent is not of the container, and it is not the container's first: exec, a probe, nsenter. */
  | 'entered'
  /** It belongs to no container's cgroup any more, but to the container's PID namespace. */
  | 'left-cgroup'
  /** Memory that can be executed and is no file's. */
  | 'executable-anonymous'
  | 'executable-memfd'
  /** A library, or the like, that has no name any more. */
  | 'executable-deleted'
  /** LD_PRELOAD, LD_AUDIT or LD_LIBRARY_PATH in its environment. */
  | 'loader-variables'
  | 'traced'
  | 'raw-or-packet-socket'
  /** Of the two passes in the first only, or in the second only. */
  | 'gone'
  | 'appeared'
  /** Same PID, but another start or another name in the second pass. */
  | 'changed'
  /** Started by this capture. */
  | 'ours'

/** A file that a link below /proc/PID leads to. */
export interface OpenedFile {
  /** Without the kernel's mark for a deleted one. */
  readonly path: string
  /** The bytes where they are no UTF-8. */
  readonly pathB64?: string
  readonly kind: 'file' | 'memfd' | 'other'
  /** Undefined where it could not be told apart from a name that ends in ' (deleted)'. */
  readonly deleted?: boolean
  /** 'major:minor', inode, names: absent where they could not be had. */
  readonly device?: string
  readonly inode?: number
  readonly links?: number
  readonly size?: number
  readonly mode?: string
}

/** A line of processes.jsonl. */
export interface ProcessLine {
  readonly container: string
  /** As who captured sees it: the node's for `node`, the container's for `exec`. */
  readonly pid: number
  /** In the container's PID namespace. */
  readonly containerPid?: number
  readonly ppid: number
  /** Clock ticks since boot: with the PID its identity. */
  readonly starttime: number
  /** By the kernel's boot time, which has whole seconds. */
  readonly startedAt?: string
  readonly state: string
  readonly threads: number
  readonly comm: string
  readonly commB64?: string
  /** As far as it was read; it may have been overwritten by the process. */
  readonly args: readonly string[]
  readonly argsTotal: number
  /** The whole command line where it is no UTF-8. */
  readonly argsB64?: string
  readonly exe?: OpenedFile
  readonly cwd?: OpenedFile
  readonly root?: OpenedFile
  /** Real, effective, saved, file system. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly groups: readonly number[]
  /** Sixteen hex digits each. */
  readonly capabilities?: {
    readonly inheritable: string
    readonly permitted: string
    readonly effective: string
    readonly bounding: string
    readonly ambient: string
  }
  readonly seccomp?: 'none' | 'strict' | 'filter'
  readonly noNewPrivs?: boolean
  readonly tracer?: number
  /** Inodes. */
  readonly namespaces: readonly { readonly kind: string; readonly inode: number }[]
  readonly descriptors: {
    readonly total: number
    /** More are open than were listed. */
    readonly cut: boolean
    /** Sockets, pipes and the like are only counted. */
    readonly sockets: number
    readonly files: readonly (OpenedFile & { readonly fd: number })[]
    readonly filesMore: number
  }
  readonly maps: {
    readonly areas: number
    readonly executable: readonly {
      readonly start: string
      readonly end: string
      readonly permissions: string
      readonly kind: 'anonymous' | 'memfd' | 'deleted' | 'special'
      readonly path: string
    }[]
    readonly executableMore: number
  }
  /** Names alone, and the values of those that steer the loader; all values are in the capture. */
  readonly environment: {
    readonly names: readonly string[]
    readonly total: number
    readonly loader: readonly { readonly name: string; readonly value: string }[]
  }
  /** What is not known of it: 'cmdline: not readable', 'maps: cut'. */
  readonly missing: readonly string[]
  readonly facts: readonly ProcessFact[]
}

/** How the reading of one container, or of several by their node, went. */
export interface ProcessCapture {
  readonly containers: readonly string[]
  readonly method: 'exec' | 'node'
  readonly trust: Trust
  /** Archive path of the stream as it came. */
  readonly path: string
  readonly bytes: number
  readonly complete: boolean
  readonly why?: string
  readonly disturbance: readonly string[]
  readonly degraded: readonly string[]
}

/** processes.json */
export interface ProcessesDocument {
  readonly schema: 'impound/processes/v1'
  readonly derivedFrom: readonly string[]
  readonly captures: readonly ProcessCapture[]
  /** How exact `startedAt` is, in seconds. */
  readonly startedPrecision: number
  /** By container: how many of the first pass, and how the second differed. */
  readonly containers: readonly {
    readonly container: string
    readonly processes: number
    readonly appeared: number
    readonly gone: number
    readonly changed: number
  }[]
  /** Every file that was run, with who ran it: what a comparison with the image needs. */
  readonly executables: readonly (OpenedFile & {
    readonly container: string
    readonly pids: readonly number[]
    readonly pidsTotal: number
    /** Where its bytes were kept. */
    readonly kept?: KeptFile
  })[]
  readonly executablesMore: number
  /** Open files without a name, of which bytes were or could have been kept. */
  readonly deletedFiles: readonly (OpenedFile & {
    readonly container: string
    readonly pid: number
    readonly fd: number
    readonly kept?: KeptFile
  })[]
  readonly deletedFilesMore: number
}

export interface KeptFile {
  /** Archive path. */
  readonly path: string
  readonly sha256: string
  readonly bytes: number
  /** Whether that is all of it. */
  readonly whole: boolean
}

export interface SocketEnd {
  readonly address: string
  readonly port: number
}

export interface SocketRow {
  /** Of the network namespace. */
  readonly namespace: number
  readonly protocol: string
  readonly inode: number
  readonly state?: string
  readonly local?: SocketEnd
  readonly remote?: SocketEnd
  /** Owner, as the table says it. */
  readonly uid?: number
  readonly detail?: string
  /** Who has it open, as far as descriptors could be read. */
  readonly holders: readonly {
    readonly container: string
    readonly pid: number
    readonly comm: string
    readonly fd: number
  }[]
  readonly holdersMore: number
}

/** sockets.json before containment, sockets-contained.json after it. */
export interface SocketsDocument {
  readonly schema: 'impound/sockets/v1'
  readonly derivedFrom: readonly string[]
  readonly phase: 'volatile' | 'contained'
  /** RFC 3339, local clock: when reading began and ended. */
  readonly startedAt: string
  readonly endedAt: string
  readonly captures: readonly ProcessCapture[]
  readonly namespaces: readonly {
    readonly inode: number
    readonly containers: readonly string[]
    /** Sockets by table; a table that could not be read is missing. */
    readonly tables: readonly { readonly protocol: string; readonly sockets: number }[]
  }[]
  /** Connections and raw sockets first, then listening ones, then the rest. */
  readonly sockets: readonly SocketRow[]
  readonly socketsMore: number
}

/** memory.json */
export interface MemoryDocument {
  readonly schema: 'impound/memory/v1'
  readonly derivedFrom: readonly string[]
  readonly processes: readonly {
    readonly container: string
    readonly pid: number
    readonly containerPid: number
    readonly comm: string
    readonly starttime: number
    /** Archive path of its areas one after another; absent where none could be read. */
    readonly path?: string
    readonly sha256?: string
    readonly areas: readonly {
      /** Hex. */
      readonly start: string
      readonly end: string
      readonly permissions: string
      readonly kind: 'anonymous' | 'memfd' | 'deleted' | 'special' | 'file'
      readonly mapped: string
      /** Where in the file it begins, and how many bytes of it are there: fewer than its size where a page could not be read. */
      readonly offset: number
      readonly bytes: number
    }[]
    /** Areas that did not fit. */
    readonly areasLeft: number
    /** The process went on while it was read: areas are of different moments. */
    readonly stopped: false
  }[]
}
