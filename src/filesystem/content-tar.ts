import { isUtf8 } from 'node:buffer'

import type { SparseMap } from '../formats/tar.js'
import { ImpoundError } from '../model/errors.js'
import type { Instant, TreeFacts } from './facts.js'

const BLOCK = 512
const TYPEFLAGS = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const

export type MemberType = keyof typeof TYPEFLAGS

export function isMemberType(type: TreeFacts['type']): type is MemberType {
  return Object.hasOwn(TYPEFLAGS, type)
}

/**
 * Writes a PAX tar of files as they were found: raw names, owner, mode, times to the nanosecond, extended attributes, holes.
 * tar-stream knows names only as UTF-8 strings, so it can't keep a hostile one. Devices and pipes are not members:
 * whoever unpacks evidence must not make one. A member that was begun and not finished leaves the tar cut there, as
 * the stream that it came from was: nothing is filled up.
 */
export class ContentTar {
  readonly #write: (chunk: Uint8Array) => Promise<void>
  #left = 0
  #padding = 0
  #isOpen = false

  constructor(write: (chunk: Uint8Array) => Promise<void>) {
    this.#write = write
  }

  /** Begins a member; `stored` bytes of content follow by {@link content}, without the holes of a sparse file. */
  async begin(
    key: string,
    type: MemberType,
    facts: TreeFacts,
    stored: number,
    sparse?: SparseMap,
  ): Promise<void> {
    if (this.#isOpen) throw new ImpoundError('bug', 'a member of changed.tar was begun within another')
    const map = sparse === undefined ? Buffer.alloc(0) : sparseMap(sparse)
    const size = map.length + stored
    const path = type === 'directory' && key !== '' ? `${key}/` : key === '' ? './' : key
    const name = sparse === undefined ? path : `GNUSparseFile.0/${path}`
    const records = paxRecords(name, facts, type, size)
    if (sparse !== undefined) {
      records.push(
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
        ['GNU.sparse.name', path],
        ['GNU.sparse.realsize', String(sparse.realSize)],
      )
    }
    await this.#write(Buffer.concat([paxMember(name, records), header(name, type, facts, size), map]))
    this.#left = stored
    this.#padding = fill(size)
    this.#isOpen = true
    await this.#close()
  }

  async content(piece: Buffer): Promise<void> {
    if (piece.length > this.#left)
      throw new ImpoundError('bug', 'a member of changed.tar got more than its size')
    this.#left -= piece.length
    await this.#write(piece)
    await this.#close()
  }

  /** The end mark; nothing after a member that was cut. */
  async finish(): Promise<void> {
    if (!this.#isOpen) await this.#write(Buffer.alloc(2 * BLOCK))
  }

  async #close(): Promise<void> {
    if (!this.#isOpen || this.#left > 0) return
    this.#isOpen = false
    if (this.#padding > 0) await this.#write(Buffer.alloc(this.#padding))
  }
}

type Records = [key: string, value: string][]

/** Values are latin1 strings of raw bytes. hdrcharset says so where a name is no UTF-8 (POSIX pax, GNU and libarchive read it). */
function paxRecords(name: string, facts: TreeFacts, type: MemberType, size: number): Records {
  const link = type === 'symlink' || type === 'hardlink' ? facts.link : undefined
  const records: Records = []
  if (!isUtf8(Buffer.from(name + (link ?? ''), 'latin1'))) records.push(['hdrcharset', 'BINARY'])
  if (needsPax(name)) records.push(['path', name])
  if (link !== undefined && needsPax(link)) records.push(['linkpath', link])
  if (size >= 8 ** 11) records.push(['size', String(size)])
  if (facts.uid >= 8 ** 7) records.push(['uid', String(facts.uid)])
  if (facts.gid >= 8 ** 7) records.push(['gid', String(facts.gid)])
  if (facts.mtime.nanoseconds !== 0 || facts.mtime.seconds < 0 || facts.mtime.seconds >= 8 ** 11)
    records.push(['mtime', paxDecimal(facts.mtime)])
  if (facts.atime !== undefined) records.push(['atime', paxDecimal(facts.atime)])
  if (facts.ctime !== undefined) records.push(['ctime', paxDecimal(facts.ctime)])
  for (const [attribute, value] of facts.xattrs ?? []) {
    // As GNU tar writes and reads names: '=' would end the keyword
    records.push([`SCHILY.xattr.${attribute.replaceAll('%', '%25').replaceAll('=', '%3D')}`, value])
  }
  return records
}

function needsPax(name: string): boolean {
  return name.length > 100 || /[^\x20-\x7e]/.test(name)
}

function paxDecimal(time: Instant): string {
  if (time.seconds >= 0) return `${time.seconds}.${String(time.nanoseconds).padStart(9, '0')}`
  const nanoseconds = time.nanoseconds === 0 ? 0 : 1_000_000_000 - time.nanoseconds
  const seconds = -time.seconds - (time.nanoseconds === 0 ? 0 : 1)
  return `-${seconds}.${String(nanoseconds).padStart(9, '0')}`
}

function paxMember(name: string, records: Records): Buffer {
  if (records.length === 0) return Buffer.alloc(0)
  const body = Buffer.concat(records.map(paxRecord))
  const block = headerBlock(`PaxHeaders/${name}`, 'x', 0o644, 0, 0, body.length, 0, '')
  return Buffer.concat([block, body, Buffer.alloc(fill(body.length))])
}

/** "LENGTH KEY=VALUE\n", the length counting its own digits. */
function paxRecord([key, value]: Records[number]): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value, 'latin1'), Buffer.from('\n')])
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

function header(name: string, type: MemberType, facts: TreeFacts, size: number): Buffer {
  const link = type === 'symlink' || type === 'hardlink' ? (facts.link ?? '') : ''
  return headerBlock(
    name,
    TYPEFLAGS[type],
    facts.mode,
    facts.uid,
    facts.gid,
    size,
    Math.max(0, facts.mtime.seconds),
    link,
  )
}

/** A ustar header. Numbers that don't fit are written as the greatest that does: a PAX record has them. */
function headerBlock(
  name: string,
  typeflag: string,
  mode: number,
  uid: number,
  gid: number,
  size: number,
  seconds: number,
  link: string,
): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(name.slice(0, 100), 0, 'latin1')
  octal(block, mode, 100, 8)
  octal(block, uid, 108, 8)
  octal(block, gid, 116, 8)
  octal(block, size, 124, 12)
  octal(block, seconds, 136, 12)
  block.fill(0x20, 148, 156)
  block.write(typeflag, 156, 'latin1')
  block.write(link.slice(0, 100), 157, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, value: number, at: number, width: number): void {
  const digits = Math.min(value, 8 ** (width - 1) - 1).toString(8)
  block.write(digits.padStart(width - 1, '0'), at, 'latin1')
}

/** GNU sparse format 1.0: count, then offset and length of each piece, a line each, filled up to whole blocks. */
function sparseMap(sparse: SparseMap): Buffer {
  const numbers = [sparse.pieces.length, ...sparse.pieces.flatMap(({ offset, length }) => [offset, length])]
  const text = Buffer.from(`${numbers.join('\n')}\n`)
  return Buffer.concat([text, Buffer.alloc(fill(text.length))])
}

function fill(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK
}
