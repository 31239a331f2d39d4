import type { Reason, Trust } from './evidence.js'

/** Something mounted that was not read. */
export interface MountLeft {
  readonly container: string
  readonly point: string
  readonly volume?: string
  readonly type: string
  readonly reason: Reason
  readonly why: string
}

/** Something mounted that was read, or was to be. */
export interface MountTaken {
  readonly container: string
  readonly point: string
  /** The volume of the spec; absent for what no volume explains, as /dev/shm. */
  readonly volume?: string
  readonly type: string
  /** 'index': names, sizes and times alone. */
  readonly mode: 'content' | 'index'
  readonly trust: Trust
  /** Where it was read: on the node, or in the container. */
  readonly readAt: string
  readonly entries: number
  readonly files: number
  readonly executables: number
  /** Of all files, as a reader sees them, and on the disk: holes make the difference. */
  readonly bytes: number
  readonly allocated: number
  readonly kept: { readonly files: number; readonly bytes: number }
  readonly complete: boolean
  readonly why?: string
  /** The foremost files by what they are: executables first, then the newest. */
  readonly notable: readonly {
    readonly path: string
    readonly size: number
    readonly mode: string
    readonly ctime?: string
    readonly sha256?: string
  }[]
}

/** mounts.json: the places where the pod's containers can write beside their own roots. */
export interface MountsDocument {
  readonly schema: 'impound/mounts/v1'
  readonly derivedFrom: readonly string[]
  readonly taken: readonly MountTaken[]
  readonly left: readonly MountLeft[]
}
