import { ImpoundError } from '../model/errors.js'

/** One entry of a directory tree as GNU find's -printf tells it: times in seconds since 1970 with their fraction. */
export interface FoundEntry {
  /** find's letter: f, d, l, p, s, b, c, D. */
  readonly type: string
  readonly inode: string
  readonly links: number
  /** Of 512 bytes, as allocated: of a sparse file fewer than its size. */
  readonly blocks: number
  readonly size: number
  /** Octal, as find has it: '644'. */
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly atime: string
  readonly mtime: string
  readonly ctime: string
  /** The name's bytes as latin1; of a symlink with TAB and its target behind. */
  readonly name: string
}

/** A path of PATH_MAX, the target of a symlink, and the figures. */
const MAX_RECORD = 16 << 10

const RECORD =
  /^([a-zA-Z?]) (\d+) (\d+) (\d+) (\d+) ([0-7]+) (\d+) (\d+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (.*)$/s

/**
 * Reads what `find -printf '%y %i %n %b %s %m %U %G %A@ %T@ %C@ NAME\0'` wrote. An empty record ends the list; without one, the end of the
 * source does. Throws `integrity` for what find does not write, `too-big` past `maxEntries`.
 */
export async function* readFindListing(
  source: AsyncIterable<Uint8Array>,
  maxEntries: number,
): AsyncGenerator<FoundEntry, void, undefined> {
  let rest = ''
  let count = 0
  for await (const chunk of source) {
    const text = rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const records = text.split('\0')
    rest = records.pop() ?? ''
    if (rest.length > MAX_RECORD)
      throw new ImpoundError('integrity', 'a list of files has a name that no file can have')
    for (const record of records) {
      if (record === '') return
      count += 1
      if (count > maxEntries) throw new ImpoundError('too-big', `more than ${maxEntries} files`)
      yield foundEntry(record)
    }
  }
  if (rest !== '') throw new ImpoundError('cut', 'a list of files ended within an entry')
}

/** One record, without its NUL; bytes as latin1. Throws `integrity` for what find does not write. */
export function foundEntry(record: string): FoundEntry {
  const match = RECORD.exec(record)
  if (match === null)
    throw new ImpoundError('integrity', 'a list of files has a line that find does not write')
  const [
    ,
    type = '',
    inode = '',
    links,
    blocks,
    size,
    mode = '',
    uid,
    gid,
    atime = '',
    mtime = '',
    ctime = '',
  ] = match
  return {
    type,
    inode,
    links: Number(links),
    blocks: Number(blocks),
    size: Number(size),
    mode,
    uid: Number(uid),
    gid: Number(gid),
    atime,
    mtime,
    ctime,
    name: match[12] ?? '',
  }
}

/** RFC 3339 with the digits that find gives, at most nine; undefined for a time that RFC 3339 can't say. */
export function foundTime(seconds: string): string | undefined {
  const [whole = '', fraction = ''] = seconds.split('.')
  const date = new Date(Number(whole) * 1000)
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0)
    return undefined
  const digits = fraction.slice(0, 9).replace(/0+$/, '')
  return `${date.toISOString().slice(0, 19)}${digits === '' ? '' : `.${digits}`}Z`
}
