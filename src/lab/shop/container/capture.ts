import { createHash } from 'node:crypto'

import type { TarMember } from '../files/tar-writer.js'
import { tarArchive } from '../files/tar-writer.js'
import type { BytePath, Tree, TreeNode } from '../files/tree.js'
import { byteOrder, parentOf } from '../files/tree.js'
import type { Inside, Mount } from './inside.js'
import { escapeMountPath } from './proc.js'

/** The first line of impound's own script that captures a filesystem. */
export const CAPTURE_MARK = '# impound capture-filesystem v1'

/** How impound's script that captures one mount begins. */
export const CAPTURE_MOUNT = /^point=(?:'([^'\n]*)'|(\S+))\n# impound capture-mount v1\n/

/** Mounted by every runtime, and read although they are mounts: the container can still write them. */
const READ_ANYWAY: ReadonlySet<BytePath> = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf'])

/** What templates/capture-filesystem.sh does in a container with busybox: its words, its tar, its words after that. */
export interface Capture {
  /** On stderr, before the tar. */
  readonly preamble: string
  /** The tar, on stdout. */
  readonly chunks: Iterable<Buffer>
  /** On stderr, once the last chunk is out: complaints and trailer, with the script's exit status. */
  conclusion(): { readonly text: string; readonly exitCode: number }
}

export function captureFilesystem(inside: Inside): Capture {
  const mounts = inside.mounts.filter(({ path }) => !READ_ANYWAY.has(path))
  const hash = createHash('sha256')
  const complaints: string[] = []
  let bytes = 0
  function* counted(): Generator<Buffer, void, void> {
    for (const chunk of tarArchive(captureMembers(inside, complaints), 'gnu')) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  return {
    preamble: [
      ...mounts.map(({ path }) => `impound-mount v1 ${escapeMountPath(`/${path}`)}\n`),
      'impound-begin v1 mounts=known xattrs=no exclude=yes counted=yes\n',
    ].join(''),
    chunks: counted(),
    conclusion: () => {
      const exitCode = complaints.length === 0 ? 0 : 1
      if (exitCode !== 0) complaints.push('tar: error exit delayed from previous errors\n')
      const trailer = `impound-trailer v1 bytes=${bytes} sha256=${hash.copy().digest('hex')} tar=${exitCode}\n`
      return { text: [...complaints, trailer].join(''), exitCode }
    },
  }
}

/** What templates/capture-mount.sh does there with busybox: it counts nothing. Undefined where nothing is mounted. */
export function captureMount({ mounts }: Inside, point: string): Capture | undefined {
  const mount = mounts.find(({ path }) => `/${path}` === point)
  if (mount === undefined) return undefined
  const archived = new Set<BytePath>()
  const members = [...mount.tree]
    .sort(([a], [b]) => byteOrder(a, b))
    .map(([path, node]) => member(path, asArchived(path, node, mount.tree, archived)))
  return {
    preamble: 'impound-begin v1 mounts=unknown xattrs=no exclude=no counted=no\n',
    chunks: tarArchive(members, 'gnu'),
    conclusion: () => ({ text: 'impound-trailer v1 bytes=- sha256=- tar=0\n', exitCode: 0 }),
  }
}

/**
 * Members of the root filesystem, parents before children, without what is mounted over it and without what the
 * container's user can't read, which is complained of.
 */
function* captureMembers(inside: Inside, complaints: string[]): Generator<TarMember, void, void> {
  const { root: shown } = shownRoot(inside)
  const root = new Map(shown)
  const left = new Set<BytePath>()
  const archived = new Set<BytePath>()
  for (const path of [...root.keys()].sort(byteOrder)) {
    const node = root.get(path)
    if (node === undefined || isAtOrBelow(path, left)) continue
    const readable = mayRead(inside, node)
    if (!readable) complaints.push(`tar: can't open './${path}': Permission denied\n`)
    if (!readable && node.kind === 'directory') left.add(path)
    if (readable || node.kind === 'directory') yield member(path, asArchived(path, node, root, archived))
  }
}

/** The root as it is read: with the files that are mounted and read all the same, and without what lies at or below other mounts. */
export function shownRoot(inside: Inside): { readonly root: Tree; readonly mounts: readonly Mount[] } {
  const mounts = inside.mounts.filter(({ path }) => !READ_ANYWAY.has(path))
  const left = new Set(mounts.map(({ path }) => path))
  const root = new Map(inside.root)
  for (const { path, tree } of inside.mounts) {
    const node = tree.get('')
    if (READ_ANYWAY.has(path) && node !== undefined) root.set(path, node)
  }
  for (const path of root.keys()) if (isAtOrBelow(path, left)) root.delete(path)
  return { root, mounts }
}

function isAtOrBelow(path: BytePath, places: ReadonlySet<BytePath>): boolean {
  for (let at = path; at !== ''; at = parentOf(at)) if (places.has(at)) return true
  return false
}

/** Whether the container's process may list a directory, or open a file. */
export function mayRead({ uid, gid }: Pick<Inside, 'uid' | 'gid'>, node: TreeNode): boolean {
  if (uid === 0 || node.kind === 'symlink') return true
  const needed = node.kind === 'directory' ? 0o5 : 0o4
  const shift = node.uid === uid ? 6 : node.gid === gid ? 3 : 0
  return ((node.mode >> shift) & needed) === needed
}

/** A tar has a file's content under the first of its names that comes along; the others are links to that one. */
function asArchived(path: BytePath, node: TreeNode, root: Tree, archived: Set<BytePath>): TreeNode {
  if (node.kind !== 'hardlink') {
    archived.add(path)
    return node
  }
  const file = root.get(node.target)
  return file?.kind === 'file' && !archived.has(node.target) ? file : { ...node, target: `./${node.target}` }
}

export function member(path: BytePath, node: TreeNode): TarMember {
  const name = path === '' ? '.' : `./${path}`
  return { name: node.kind === 'directory' ? `${name}/` : name, node }
}
