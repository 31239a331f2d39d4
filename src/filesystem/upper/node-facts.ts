import type { TarHeader } from '../../formats/tar.js'
import { factsOf, type TreeFacts } from '../facts.js'
import type { InodeRecord } from './inode-record.js'

/** Facts from a header of the node's GNU tar, which writes '=' in the name of an attribute as %3D and '%' as %25 (src/xheader.c). */
export function nodeFacts(header: TarHeader): TreeFacts | undefined {
  const facts = factsOf(header)
  if (facts?.xattrs === undefined) return facts
  const xattrs = new Map(
    [...facts.xattrs].map(
      ([name, value]) => [name.replaceAll('%3D', '=').replaceAll('%25', '%'), value] as const,
    ),
  )
  return { ...facts, xattrs }
}

/** Facts from stat alone. */
export function recordFacts(record: InodeRecord): TreeFacts {
  const { type, mode, uid, gid, size, mtime, atime, ctime, device } = record
  return {
    type,
    mode,
    uid,
    gid,
    size,
    mtime,
    atime,
    ctime,
    link: undefined,
    device,
    sha256: undefined,
    layer: undefined,
    implied: false,
    xattrs: undefined,
  }
}
