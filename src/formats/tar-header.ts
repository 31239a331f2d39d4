import { ImpoundError } from '../model/errors.js'
import { headerNumber } from './tar-number.js'

export type TarType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo' | 'other'

/** A file with holes. The stored pieces follow each other in `content`; between them the file reads as zeros. */
export interface SparseMap {
  readonly realSize: number
  readonly pieces: readonly { readonly offset: number; readonly length: number }[]
}

/** One member's metadata, with PAX and GNU extensions applied. Everything in it was chosen by whoever wrote the tar. */
export interface TarHeader {
  /** As stored: raw bytes, PAX and GNU long names applied. May be empty; from PAX it may hold a NUL. */
  readonly path: Buffer
  readonly type: TarType
  /** One character, as stored. */
  readonly typeflag: string
  /** Permission bits, setuid, setgid and sticky included. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes that `content` yields. Of a sparse file only the stored pieces. */
  readonly size: number
  readonly mtime: { readonly seconds: number; readonly nanoseconds: number }
  readonly linkPath: Buffer | undefined
  readonly deviceMajor: number
  readonly deviceMinor: number
  readonly uname: Buffer
  readonly gname: Buffer
  /** SCHILY.xattr.* and LIBARCHIVE.xattr.*: name to raw value. */
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** Every PAX record in force, global ones included. */
  readonly pax: ReadonlyMap<string, Buffer>
  readonly sparse?: SparseMap
}

export const BLOCK = 512

const MAGIC = [...Buffer.from('ustar')]
const NOTHING = Buffer.alloc(0)
const NONE: ReadonlyMap<string, Buffer> = new Map()

/** A header block by itself, before extensions. */
export interface TarBlock {
  readonly header: TarHeader
  readonly raw: Buffer
}

const TYPES: Readonly<Record<string, TarType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  D: 'directory',
  '6': 'fifo',
}

/** Types that have no content whatever their size field says, as GNU tar and Go's archive/tar read them. */
const BODYLESS: ReadonlySet<string> = new Set(['1', '2', '3', '4', '5', '6'])

/**
 * Reads one header block (POSIX.1-1988 ustar, GNU, star, V7). Throws `integrity` where the checksum or a number is
 * wrong. `offset` is where the block stood, for the message.
 */
export function parseBlock(raw: Buffer, offset: number): TarBlock {
  checkSum(raw, offset)
  const typeflag = raw.toString('latin1', 156, 157)
  const isUstar = hasMagic(raw)
  const path = fullName(raw, isUstar)
  const declared = headerNumber(raw, 124, 12, 'size', true)
  if (declared < 0) throw new ImpoundError('integrity', `tar: negative size in the header at byte ${offset}`)
  const isOldDirectory = typeflag === '\0' && path.at(-1) === 0x2f
  const linkPath = text(raw, 157, 100)
  const header: TarBlock['header'] = {
    path,
    type: isOldDirectory ? 'directory' : (TYPES[typeflag] ?? 'other'),
    typeflag,
    mode: headerNumber(raw, 100, 8, 'mode') & 0o7777,
    uid: headerNumber(raw, 108, 8, 'uid'),
    gid: headerNumber(raw, 116, 8, 'gid'),
    size: hasBody(typeflag) ? declared : 0,
    mtime: { seconds: headerNumber(raw, 136, 12, 'mtime'), nanoseconds: 0 },
    linkPath: linkPath.length > 0 ? linkPath : undefined,
    deviceMajor: isUstar ? headerNumber(raw, 329, 8, 'device') : 0,
    deviceMinor: isUstar ? headerNumber(raw, 337, 8, 'device') : 0,
    uname: isUstar ? text(raw, 265, 32) : NOTHING,
    gname: isUstar ? text(raw, 297, 32) : NOTHING,
    xattrs: NONE,
    pax: NONE,
  }
  return { header, raw }
}

/** Whether a member of this type is followed by as many bytes as its size says. */
export function hasBody(typeflag: string): boolean {
  return !BODYLESS.has(typeflag)
}

/** The sum of all bytes with the checksum's own field as blanks; old writers summed signed bytes. */
function checkSum(raw: Buffer, offset: number): void {
  let unsigned = 0
  let high = 0
  for (let index = 0; index < BLOCK; index += 1) {
    const byte = raw[index] ?? 0
    unsigned += byte
    high += byte >> 7
  }
  for (let index = 148; index < 156; index += 1) {
    const byte = raw[index] ?? 0
    unsigned += 0x20 - byte
    high -= byte >> 7
  }
  const stored = headerNumber(raw, 148, 8, 'checksum', true)
  if (stored === unsigned || stored === unsigned - 256 * high) return
  throw new ImpoundError('integrity', `tar: the header at byte ${offset} does not match its checksum`)
}

function fullName(raw: Buffer, isUstar: boolean): Buffer {
  const name = text(raw, 0, 100)
  const isPosix = isUstar && raw[262] === 0
  if (!isPosix || raw[345] === 0) return name
  const isStar = raw.toString('latin1', 508, 512) === 'tar\0'
  const prefix = text(raw, 345, isStar ? 131 : 155)
  return Buffer.concat([prefix, Buffer.from('/'), name])
}

function hasMagic(raw: Buffer): boolean {
  return MAGIC.every((byte, index) => raw[257 + index] === byte)
}

/** A copy, so that a name that is kept doesn't keep the chunk it came in. */
function text(raw: Buffer, start: number, length: number): Buffer {
  const most = start + length
  let end = start
  while (end < most && raw[end] !== 0) end += 1
  return end === start ? NOTHING : Buffer.from(raw.subarray(start, end))
}
