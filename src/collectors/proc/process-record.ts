import type { LinkIdentity } from '../../formats/proc/links.js'
import type { ExecutableMaps } from '../../formats/proc/maps.js'
import type { ProcessStat } from '../../formats/proc/stat.js'
import type { ProcessStatus } from '../../formats/proc/status.js'

/** A link as its text says it (latin1), and what it leads to. */
export interface RecordedLink {
  readonly target: string
  identity?: LinkIdentity
}

/** A process while its capture is read: what came of it so far. */
export interface ProcessRecord {
  readonly pid: number
  readonly inFirst: boolean
  inSecond: boolean
  first: ProcessStat | undefined
  second: ProcessStat | undefined
  status: ProcessStatus | undefined
  /** exe, cwd, root. */
  readonly links: Map<string, RecordedLink>
  /** By kind. */
  readonly namespaces: Map<string, number>
  readonly files: Map<number, RecordedLink>
  filesMore: number
  descriptors: number
  descriptorsCut: boolean
  sockets: number
  args: { readonly words: readonly Buffer[]; readonly count: number } | undefined
  environment:
    | {
        readonly names: readonly string[]
        readonly count: number
        readonly loader: readonly { name: string; value: string }[]
      }
    | undefined
  maps: ExecutableMaps | undefined
  readonly missing: Set<string>
}

export function newRecord(pid: number, inFirst: boolean): ProcessRecord {
  return {
    pid,
    inFirst,
    inSecond: false,
    first: undefined,
    second: undefined,
    status: undefined,
    links: new Map(),
    namespaces: new Map(),
    files: new Map(),
    filesMore: 0,
    descriptors: 0,
    descriptorsCut: false,
    sockets: 0,
    args: undefined,
    environment: undefined,
    maps: undefined,
    missing: new Set(),
  }
}
