/** What a link of /proc/PID leads to, as its text says it; latin1. */
export type LinkTarget =
  | { readonly kind: 'socket'; readonly inode: number }
  | { readonly kind: 'pipe' | 'anonymous'; readonly text: string }
  | { readonly kind: 'memfd'; readonly name: string }
  /** `marked`: its text ends in ' (deleted)', which may also be its name. Only a file without names (nlink 0) is deleted. */
  | { readonly kind: 'path'; readonly path: string; readonly marked: boolean }

const MARK = ' (deleted)'

/** A memfd reads '/memfd:NAME (deleted)'; NAME may be anything but NUL. Source: proc(5), memfd_create(2). */
export function linkTarget(text: string): LinkTarget {
  const inode = /^socket:\[([0-9]{1,20})\]$/.exec(text)?.[1]
  if (inode !== undefined) return { kind: 'socket', inode: Number(inode) }
  if (/^pipe:\[[0-9]+\]$/.test(text)) return { kind: 'pipe', text }
  if (text.startsWith('anon_inode:')) return { kind: 'anonymous', text }
  const marked = text.endsWith(MARK)
  if (marked && text.startsWith('/memfd:')) {
    return { kind: 'memfd', name: text.slice('/memfd:'.length, -MARK.length) }
  }
  return { kind: 'path', path: text, marked }
}
