import type { FoundEntry } from '../formats/find-listing.js'
import type { FileType } from '../model/filesystem-documents.js'
import type { Instant, TreeFacts } from './facts.js'
import { pathKey } from './path-key.js'

const TYPES: Readonly<Record<string, FileType>> = {
  f: 'file',
  d: 'directory',
  l: 'symlink',
  p: 'fifo',
  s: 'socket',
  b: 'block',
  c: 'char',
}

/** A path as a listing has it: with ctime, and without hash and extended attributes. */
export interface Listed {
  readonly key: string
  readonly facts: TreeFacts & { readonly ctime: Instant }
}

/** Undefined for what is no file of any kind, and for a name or a time that none has. A symlink's target stands behind its name. */
export function listedFacts(found: FoundEntry): Listed | undefined {
  const type = TYPES[found.type]
  const isLink = type === 'symlink'
  const end = isLink ? found.name.length - found.size : found.name.length
  const key = end < 1 ? undefined : pathKey(Buffer.from(found.name.slice(0, end), 'latin1'))
  const [atime, mtime, ctime] = [found.atime, found.mtime, found.ctime].map(instant)
  if (type === undefined || key === undefined || mtime === undefined || ctime === undefined) return undefined
  return {
    key,
    facts: {
      type,
      mode: Number.parseInt(found.mode, 8) & 0o7777,
      uid: found.uid,
      gid: found.gid,
      size: type === 'file' ? found.size : 0,
      mtime,
      atime,
      ctime,
      link: isLink ? found.name.slice(end) : undefined,
      device: undefined,
      sha256: undefined,
      layer: undefined,
      implied: false,
      xattrs: undefined,
    },
  }
}

/** '1795773929.6074037590', a digit more than there are nanoseconds; find writes half a second before 1970 as '-1.5': the fraction counts forward. */
function instant(text: string): Instant | undefined {
  const match = /^(-?\d{1,15})(?:\.(\d{1,10}))?$/.exec(text)
  if (match === null) return undefined
  return { seconds: Number(match[1]), nanoseconds: Number((match[2] ?? '').slice(0, 9).padEnd(9, '0')) }
}
