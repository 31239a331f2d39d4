import { ImpoundError } from '../model/errors.js'
import type { FileType } from '../model/filesystem-documents.js'
import type { Instant, TreeFacts } from './facts.js'

/** One member of a layer as an index keeps it. */
export interface LayerMember {
  readonly key: string
  readonly facts: TreeFacts
}

const TYPES: readonly FileType[] = [
  ...(['file', 'directory', 'symlink', 'hardlink'] as const),
  ...(['char', 'block', 'fifo', 'socket'] as const),
]
const LINK = 1
const DEVICE = 2
const HASH = 4
const XATTRS = 8
const ATIME = 16
const CTIME = 32

/** Type, flags, mode, uid, gid, size, mtime: what every record begins with. */
const HEAD_BYTES = 1 + 1 + 2 + 4 * 8 + 4
/** A header's mebibyte of attributes, two names of 32 KiB, and what stands around them. */
export const RECORD_LIMIT = 2 << 20

/** Bytes of a member's record. Numbers are big-endian, texts latin1 with their length before them. */
export function encodeMember({ key, facts }: LayerMember): Buffer {
  const { link, device, sha256, xattrs, atime, ctime } = facts
  const texts = (text: string | undefined): number => (text === undefined ? 0 : 4 + text.length)
  let size = HEAD_BYTES + texts(key) + texts(link) + texts(device) + (sha256 === undefined ? 0 : 32)
  if (xattrs !== undefined) size += 4
  for (const [name, value] of xattrs ?? []) size += texts(name) + texts(value)
  size += (atime === undefined ? 0 : 12) + (ctime === undefined ? 0 : 12)
  const to = new RecordWriter(Buffer.allocUnsafe(size))
  to.byte(TYPES.indexOf(facts.type))
  to.byte(
    (link === undefined ? 0 : LINK) |
      (device === undefined ? 0 : DEVICE) |
      (sha256 === undefined ? 0 : HASH) |
      (xattrs === undefined ? 0 : XATTRS) |
      (atime === undefined ? 0 : ATIME) |
      (ctime === undefined ? 0 : CTIME),
  )
  to.short(facts.mode)
  for (const number of [facts.uid, facts.gid, facts.size]) to.double(number)
  to.instant(facts.mtime)
  to.text(key)
  if (link !== undefined) to.text(link)
  if (device !== undefined) to.text(device)
  if (sha256 !== undefined) to.raw(sha256)
  if (xattrs !== undefined) to.long(xattrs.size)
  for (const [name, value] of xattrs ?? []) {
    to.text(name)
    to.text(value)
  }
  if (atime !== undefined) to.instant(atime)
  if (ctime !== undefined) to.instant(ctime)
  return to.bytes
}

/** Throws `integrity` for bytes that no member makes. */
export function decodeMember(bytes: Buffer): LayerMember {
  const from = new RecordReader(bytes)
  const type = TYPES[from.byte()]
  const flags = from.byte()
  const mode = from.short()
  const [uid, gid, size] = [from.double(), from.double(), from.double()]
  const mtime = from.instant()
  const key = from.text()
  const link = (flags & LINK) === 0 ? undefined : from.text()
  const device = (flags & DEVICE) === 0 ? undefined : from.text()
  const sha256 = (flags & HASH) === 0 ? undefined : from.raw(32)
  const xattrs = (flags & XATTRS) === 0 ? undefined : xattrsFrom(from)
  const atime = (flags & ATIME) === 0 ? undefined : from.instant()
  const ctime = (flags & CTIME) === 0 ? undefined : from.instant()
  if (type === undefined || !from.isOver || mode > 0o7777) throw malformed()
  const base = { type, mode, uid, gid, size, mtime, atime, ctime, link, device, sha256 }
  return { key, facts: { ...base, layer: undefined, implied: false, xattrs } }
}

function xattrsFrom(from: RecordReader): ReadonlyMap<string, string> {
  const xattrs = new Map<string, string>()
  for (let left = from.long(); left > 0; left -= 1) xattrs.set(from.text(), from.text())
  return xattrs
}

function malformed(): ImpoundError {
  return new ImpoundError('integrity', 'a record of a layer index is malformed')
}

class RecordWriter {
  readonly bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  byte(value: number): void {
    this.#at = this.bytes.writeUInt8(value, this.#at)
  }

  short(value: number): void {
    this.#at = this.bytes.writeUInt16BE(value, this.#at)
  }

  long(value: number): void {
    this.#at = this.bytes.writeUInt32BE(value, this.#at)
  }

  double(value: number): void {
    this.#at = this.bytes.writeDoubleBE(value, this.#at)
  }

  instant({ seconds, nanoseconds }: Instant): void {
    this.double(seconds)
    this.long(nanoseconds)
  }

  text(value: string): void {
    this.long(value.length)
    this.raw(value)
  }

  raw(value: string): void {
    this.#at += this.bytes.write(value, this.#at, 'latin1')
  }
}

class RecordReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isOver(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  short(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  long(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  double(): number {
    const value = this.#bytes.readDoubleBE(this.#take(8))
    if (!Number.isSafeInteger(value)) throw malformed()
    return value
  }

  instant(): Instant {
    return { seconds: this.double(), nanoseconds: this.long() }
  }

  text(): string {
    return this.raw(this.long())
  }

  raw(length: number): string {
    const at = this.#take(length)
    return this.#bytes.toString('latin1', at, at + length)
  }

  #take(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length) throw malformed()
    this.#at += length
    return at
  }
}
