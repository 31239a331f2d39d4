import type { FileFacts, FileType } from '../model/filesystem-documents.js'
import type { TarHeader, TarType } from '../formats/tar.js'
import { paxTime } from '../formats/tar-number.js'

export interface Instant {
  readonly seconds: number
  readonly nanoseconds: number
}

/** What is known of one path. Always all keys, in this order: half a million of them have one shape in memory. */
export interface TreeFacts {
  readonly type: FileType
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** As a reader of the file sees it: of a sparse file with its holes. */
  readonly size: number
  readonly mtime: Instant
  /** Only where the tar carries them (GNU tar in PAX format). */
  readonly atime: Instant | undefined
  readonly ctime: Instant | undefined
  /** Raw bytes as latin1. */
  readonly link: string | undefined
  readonly device: string | undefined
  /** The 32 bytes as latin1; undefined for what is no file, and where it was not computed. */
  readonly sha256: string | undefined
  readonly layer: number | undefined
  /** A directory that a layer took for granted: its metadata is not known. */
  readonly implied: boolean
  /** Values as latin1. */
  readonly xattrs: ReadonlyMap<string, string> | undefined
}

const TYPES: Readonly<Record<Exclude<TarType, 'other'>, FileType>> = {
  file: 'file',
  hardlink: 'hardlink',
  symlink: 'symlink',
  char: 'char',
  block: 'block',
  directory: 'directory',
  fifo: 'fifo',
}

/** Facts from a tar's header; undefined for a member that is no file of any kind. The content's hash is added later. */
export function factsOf(header: TarHeader): TreeFacts | undefined {
  if (header.type === 'other') return undefined
  const hasDevice = header.type === 'char' || header.type === 'block'
  return {
    type: TYPES[header.type],
    mode: header.mode,
    uid: header.uid,
    gid: header.gid,
    size: header.sparse?.realSize ?? header.size,
    mtime: header.mtime,
    atime: paxInstant(header, 'atime'),
    ctime: paxInstant(header, 'ctime'),
    link: header.linkPath?.toString('latin1'),
    device: hasDevice ? `${header.deviceMajor}:${header.deviceMinor}` : undefined,
    sha256: undefined,
    layer: undefined,
    implied: false,
    xattrs:
      header.xattrs.size === 0
        ? undefined
        : new Map([...header.xattrs].map(([name, value]) => [name, value.toString('latin1')] as const)),
  }
}

function paxInstant(header: TarHeader, key: string): Instant | undefined {
  const value = header.pax.get(key)
  return value === undefined ? undefined : paxTime(value, key)
}

/** A directory that nobody described, as runtimes make it. */
export function impliedDirectory(layer: number): TreeFacts {
  return {
    type: 'directory',
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    atime: undefined,
    ctime: undefined,
    link: undefined,
    device: undefined,
    sha256: undefined,
    layer,
    implied: true,
    xattrs: undefined,
  }
}

/** Facts as documents carry them. */
export function fileFacts(facts: TreeFacts): FileFacts {
  return {
    type: facts.type,
    mode: facts.mode.toString(8).padStart(4, '0'),
    uid: facts.uid,
    gid: facts.gid,
    size: facts.size,
    mtime: documentedTime(facts.mtime),
    ...(facts.atime === undefined ? {} : { atime: documentedTime(facts.atime) }),
    ...(facts.ctime === undefined ? {} : { ctime: documentedTime(facts.ctime) }),
    ...(facts.link === undefined ? {} : { link: Buffer.from(facts.link, 'latin1').toString('utf8') }),
    ...(facts.device === undefined ? {} : { device: facts.device }),
    ...(facts.sha256 === undefined ? {} : { sha256: Buffer.from(facts.sha256, 'latin1').toString('hex') }),
    ...(facts.layer === undefined ? {} : { layer: facts.layer }),
    ...(facts.xattrs === undefined ? {} : { xattrs: documentedXattrs(facts.xattrs) }),
  }
}

/** RFC 3339 with as many digits as there are; '@' and the seconds since 1970 for a time that RFC 3339 can't say. */
export function documentedTime(time: Instant): string {
  const date = new Date(time.seconds * 1000)
  const year = date.getUTCFullYear()
  if (Number.isNaN(year) || year < 0 || year > 9999) return `@${time.seconds}`
  const fraction = time.nanoseconds === 0 ? '' : `.${String(time.nanoseconds).padStart(9, '0')}`
  return `${date.toISOString().slice(0, 19)}${fraction}Z`
}

function documentedXattrs(xattrs: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  const sorted = [...xattrs].sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    sorted.map(([name, value]) => [name, Buffer.from(value, 'latin1').toString('base64')]),
  )
}
