import type { ByteReader } from '../../formats/byte-reader.js'
import { ImpoundError } from '../../model/errors.js'
import type { FileType } from '../../model/filesystem-documents.js'
import type { Instant } from '../facts.js'
import { pathKey } from '../path-key.js'

/** What stat says of one path: what a tar has no place for, and what shows that a path changed meanwhile. */
export interface InodeRecord {
  readonly key: string
  readonly type: FileType
  readonly inode: number
  readonly links: number
  /** Bytes on disk: less than the size where there are holes. */
  readonly allocated: number
  readonly size: number
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** 'major:minor' of a device. */
  readonly device: string | undefined
  readonly atime: Instant
  readonly mtime: Instant
  readonly ctime: Instant
}

/** PATH_MAX and the numbers before it, with room to spare: find gives longer paths than any system call takes. */
const MOST_BYTES = 64 << 10
/** Of stat's block count, whatever the filesystem's own are (POSIX leaves it open, Linux does not). */
const BLOCK = 512

/**
 * Reads records as templates/node/upperdir.sh writes them, up to the empty one that ends the list. `raw` is the record as it came,
 * with its NUL. Throws `integrity` where one is malformed or they are not sorted by the bytes of their paths, `cut` at an early end.
 */
export async function* readInodeRecords(
  reader: ByteReader,
): AsyncGenerator<{ readonly record: InodeRecord; readonly raw: Buffer }, number, undefined> {
  let last: string | undefined
  for (let count = 0; ; count += 1) {
    const raw = await upToByte(reader, 0)
    if (raw.length === 1) return count
    const record = parseRecord(raw.toString('latin1', 0, raw.length - 1))
    if (record === undefined) throw new ImpoundError('integrity', 'the list of paths has a malformed line')
    if (last !== undefined && record.key <= last)
      throw new ImpoundError('integrity', 'the list of paths is not sorted')
    last = record.key
    yield { record, raw }
  }
}

/** Bytes up to and with the next `end`. Throws `cut` where there is none, `too-big` past 64 KiB. */
export async function upToByte(reader: ByteReader, end: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let length = 0; length <= MOST_BYTES;) {
    const slice = await reader.some(MOST_BYTES + 1)
    if (slice === undefined) break
    const at = slice.indexOf(end)
    if (at !== -1) {
      reader.unread(slice.subarray(at + 1))
      const found = slice.subarray(0, at + 1)
      return parts.length === 0 ? found : Buffer.concat([...parts, found])
    }
    length += slice.length
    parts.push(Buffer.from(slice))
    if (length > MOST_BYTES) throw new ImpoundError('too-big', 'a line of the capture is longer than 64 KiB')
  }
  throw new ImpoundError('cut', 'the capture ends within a line')
}

const RECORD =
  /^(\d{1,20}) (\d{1,10}) (\d{1,18}) (\d{1,19}) ([0-9a-f]{1,8}) (\d{1,10}) (\d{1,10}) ([0-9a-f]{1,8}) ([0-9a-f]{1,8}) (\S+) (\S+) (\S+) (\.(?:\/[^]*)?)$/

const TYPES: Readonly<Record<number, FileType>> = {
  0o1: 'fifo',
  0o2: 'char',
  0o4: 'directory',
  0o6: 'block',
  0o10: 'file',
  0o12: 'symlink',
  0o14: 'socket',
}

function parseRecord(text: string): InodeRecord | undefined {
  const match = RECORD.exec(text)
  if (match === null) return undefined
  const [
    ,
    inode,
    links,
    blocks,
    size,
    mode = '',
    uid,
    gid,
    major = '',
    minor = '',
    a = '',
    m = '',
    c = '',
    path = '',
  ] = match
  const key = pathKey(Buffer.from(path, 'latin1'))
  const bits = Number.parseInt(mode, 16)
  const type = TYPES[bits >> 12]
  const [atime, mtime, ctime] = [instant(a), instant(m), instant(c)]
  if (
    key === undefined ||
    type === undefined ||
    atime === undefined ||
    mtime === undefined ||
    ctime === undefined
  )
    return undefined
  const isDevice = type === 'char' || type === 'block'
  return {
    key,
    type,
    inode: Number(inode),
    links: Number(links),
    allocated: Number(blocks) * BLOCK,
    size: type === 'file' ? Number(size) : 0,
    mode: bits & 0o7777,
    uid: Number(uid),
    gid: Number(gid),
    device: isDevice ? `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}` : undefined,
    atime,
    mtime,
    ctime,
  }
}

/** '1795773929.607403759'; before 1970 '-1.500000000', which stat writes for half a second before 1970. */
function instant(text: string): Instant | undefined {
  const match = /^(-?)(\d{1,15})\.(\d{9})$/.exec(text)
  if (match === null) return undefined
  const seconds = Number(match[2])
  const nanoseconds = Number(match[3])
  if (match[1] === '') return { seconds, nanoseconds }
  return nanoseconds === 0
    ? { seconds: -seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds }
}
