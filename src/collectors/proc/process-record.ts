import type { LinkIdentity } from '../../formats/proc/links.js'
import type { ExecutableMaps } from '../../formats/proc/maps.js'
import type { ProcessStat } from '../../formats/proc/stat.js'
import type { ProcessStatus } from '../../formats/proc/status.js'

/** A link as its text says it (latin1), and what it leads to. */
export interface RecordedLink {
  readonly target: string
  identity: FileIdentity | undefined
}

export type FileIdentity = Pick<LinkIdentity, 'device' | 'inode' | 'links' | 'mode' | 'size'>

export interface RecordedDescriptor extends RecordedLink {
  readonly fd: number
}

/** Those that templates/processes.sh asks for. */
export const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const
export type NamespaceKind = (typeof NAMESPACES)[number]

/** Words with a zero byte between them, as latin1: one string instead of many small ones. */
export interface RecordedWords {
  readonly text: string
  /** How many of them are in `text`, and how many there were. */
  readonly kept: number
  readonly count: number
}

/**
 * A process while its capture is read: what came of it so far. There may be tens of thousands, so it is made of few objects, and no string
 * of it is a part of a larger one, which would keep that in memory.
 */
export interface ProcessRecord {
  readonly pid: number
  readonly inFirst: boolean
  inSecond: boolean
  first: ProcessStat | undefined
  second: ProcessStat | undefined
  /** Shared with processes that have the same. */
  status: Omit<ProcessStatus, 'nsPids'> | undefined
  nsPids: readonly number[]
  exe: RecordedLink | undefined
  cwd: RecordedLink | undefined
  root: RecordedLink | undefined
  readonly namespaces: Record<NamespaceKind, number | undefined>
  readonly files: RecordedDescriptor[]
  filesMore: number
  descriptors: number
  descriptorsCut: boolean
  sockets: number
  args: RecordedWords | undefined
  /** Names of variables, and of those that steer the loader the values: a name, then its value. */
  environment: (RecordedWords & { readonly loader: string }) | undefined
  maps: ExecutableMaps | undefined
  missing: readonly string[]
}

const NOTHING: readonly string[] = []
const NO_PIDS: readonly number[] = []
/** Of notes on one process; documents have fewer. */
const MOST_MISSING = 32

export function newRecord(pid: number, inFirst: boolean): ProcessRecord {
  return {
    pid,
    inFirst,
    inSecond: false,
    first: undefined,
    second: undefined,
    status: undefined,
    nsPids: NO_PIDS,
    exe: undefined,
    cwd: undefined,
    root: undefined,
    namespaces: {
      cgroup: undefined,
      ipc: undefined,
      mnt: undefined,
      net: undefined,
      pid: undefined,
      user: undefined,
      uts: undefined,
    },
    files: [],
    filesMore: 0,
    descriptors: 0,
    descriptorsCut: false,
    sockets: 0,
    args: undefined,
    environment: undefined,
    maps: undefined,
    missing: NOTHING,
  }
}

export function noteMissing(record: ProcessRecord, what: string): void {
  if (record.missing.includes(what) || record.missing.length >= MOST_MISSING) return
  record.missing = [...record.missing, what]
}

/** 'exe', 'cwd', 'root', 'fd/7'. */
export function linkOf(record: ProcessRecord, name: string): RecordedLink | undefined {
  switch (name) {
    case 'exe':
    case 'cwd':
    case 'root':
      return record[name]
    default: {
      const fd = name.startsWith('fd/') ? Number(name.slice(3)) : undefined
      return record.files.find((file) => file.fd === fd)
    }
  }
}

export function wordsOf({ text, kept }: RecordedWords): readonly string[] {
  return kept === 0 ? [] : text.split('\0').slice(0, kept)
}
