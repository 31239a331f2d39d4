import { isOwnName } from './names.js'

/** Where a member of an archive stands: the one folder at the top, and the path below it ('' for the folder itself). */
export interface MemberPath {
  readonly folder: string
  readonly inside: string
}

/**
 * A member's path, where it is one that we would have written: relative, of safe segments, without '.' or '..'. Undefined
 * for any other: such a name is shown, never used.
 */
export function memberPath(raw: Buffer): MemberPath | undefined {
  if (raw.length > 4096) return undefined
  const text = raw.toString('latin1').replace(/\/$/, '')
  const segments = text.split('/')
  const [folder] = segments
  if (folder === undefined || !segments.every(isOwnName)) return undefined
  return { folder, inside: text.slice(folder.length + 1) }
}
