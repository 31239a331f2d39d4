import type { FileType } from '../model/filesystem-documents.js'
import type { DiffEntry, FileFacts } from '../model/filesystem-documents.js'

const TYPE_LETTER: Readonly<Record<FileType, string>> = {
  file: 'r',
  hardlink: 'r',
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
}

/**
 * A line of a bodyfile, as mactime of The Sleuth Kit 3 and later reads it:
 * MD5|name|inode|mode_as_string|UID|GID|size|atime|mtime|ctime|crtime. What is not known is 0. In names, every byte that
 * would break the line or hide in a terminal is percent-encoded: controls, '|', '%', and what is no ASCII.
 */
export function bodyfileLine(
  entry: Pick<DiffEntry, 'path' | 'pathB64'>,
  facts: FileFacts,
  isGone: boolean,
): string {
  const bytes = entry.pathB64 === undefined ? Buffer.from(entry.path) : Buffer.from(entry.pathB64, 'base64')
  const link =
    facts.type === 'symlink' && facts.link !== undefined ? ` -> ${encoded(Buffer.from(facts.link))}` : ''
  const fields = [
    '0',
    `${encoded(bytes)}${link}${isGone ? ' (deleted)' : ''}`,
    facts.ino ?? 0,
    modeString(facts),
    facts.uid,
    facts.gid,
    facts.size,
    seconds(facts.atime),
    seconds(facts.mtime),
    seconds(facts.ctime),
    '0',
  ]
  return `${fields.join('|')}\n`
}

function encoded(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replaceAll(
      /[^\x20-\x7e]|[|%]/g,
      (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
    )
}

/** 'r/rrwsr-xr-x': the name's type and the inode's, then the bits as ls shows them. */
function modeString(facts: FileFacts): string {
  const letter = TYPE_LETTER[facts.type]
  const mode = Number.parseInt(facts.mode, 8)
  const triple = (shift: number, special: number, letterWith: string): string => {
    const bits = mode >> shift
    const execute = (bits & 1) !== 0
    const last =
      (mode & special) === 0 ? (execute ? 'x' : '-') : execute ? letterWith : letterWith.toUpperCase()
    return `${(bits & 4) === 0 ? '-' : 'r'}${(bits & 2) === 0 ? '-' : 'w'}${last}`
  }
  return `${letter}/${letter}${triple(6, 0o4000, 's')}${triple(3, 0o2000, 's')}${triple(0, 0o1000, 't')}`
}

function seconds(time: string | undefined): number {
  if (time === undefined) return 0
  const value = time.startsWith('@') ? Number(time.slice(1)) : Math.floor(Date.parse(time) / 1000)
  return Number.isSafeInteger(value) ? Math.max(0, value) : 0
}
