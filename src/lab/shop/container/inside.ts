import type { LabLogLine } from '../../log-line.js'
import type { Written } from '../files/overlay.js'
import type { BytePath, Tree } from '../files/tree.js'

/** What is inside a container: data only, which programs, captures and /proc are answered from. */
export interface Inside {
  readonly hostname: string
  /** The container's process identity. */
  readonly uid: number
  readonly gid: number
  /** The merged root filesystem, without what is mounted over it. */
  readonly root: Tree
  /** What the node's disk has of it; absent where that is not asked for. */
  readonly written?: Written
  readonly mounts: readonly Mount[]
  readonly processes: readonly ContainerProcess[]
  readonly sockets: readonly ContainerSocket[]
  readonly bootedAt: Date
  readonly log: readonly LabLogLine[]
  readonly previousLog?: readonly LabLogLine[]
  /** Of the run that goes on, what the kubelet moved away: on the node alone, for the API gives the newest file. */
  readonly rotatedLogs?: readonly { readonly at: Date; readonly lines: readonly LabLogLine[] }[]
}

/** Another filesystem over a path of the container's root: a directory, or a single file bound from the kubelet's. */
export interface Mount {
  readonly path: BytePath
  readonly filesystem: string
  readonly options: string
  /** What is mounted: '/' or the path within the other filesystem. */
  readonly from: string
  /** Below `path`, '' being the mounted directory or file itself. */
  readonly tree: Tree
}

/** A process of the container's PID namespace. */
export interface ContainerProcess {
  readonly pid: number
  readonly ppid: number
  /** At most 15 bytes, as the kernel keeps it. */
  readonly comm: string
  readonly cmdline: readonly string[]
  /** What /proc/PID/exe leads to. */
  readonly exe: string
  readonly uid: number
  /** Its program's bytes, where no file has them: a memfd, or a file without a name. */
  readonly program?: Buffer
  readonly environ?: readonly string[]
  /** Memory that it made executable. */
  readonly executableMemory?: boolean
  /** Files that it has open. */
  readonly openFiles?: readonly OpenFile[]
  /** Clock ticks (1/100 s) since boot: with the pid its identity. */
  readonly starttime: number
}

export interface OpenFile {
  readonly fd: number
  /** What /proc/PID/fd/N leads to: ' (deleted)' at its end where it has no name any more. */
  readonly target: string
  /** Where it has no name: what is in it. */
  readonly content?: Buffer
}

export interface ContainerSocket {
  readonly protocol: 'tcp' | 'tcp6' | 'udp'
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly state: 'established' | 'listen' | 'close'
  readonly uid: number
  readonly inode: number
  /** Whose descriptor it is. */
  readonly pid: number
}

export interface Endpoint {
  /** IPv4 in dotted form, for tcp6 too: as an IPv4-mapped address; '0.0.0.0' is any. */
  readonly address: string
  readonly port: number
}
