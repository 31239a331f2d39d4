import { createHash } from 'node:crypto'

import type { Inside } from './inside.js'
import type { TarMember } from '../files/tar-writer.js'
import { tarArchive } from '../files/tar-writer.js'
import type { BytePath, TreeNode } from '../files/tree.js'
import { byteOrder, parentOf } from '../files/tree.js'

/** The first line of impound's own script that captures a filesystem. */
export const CAPTURE_MARK = '# impound capture-filesystem v1'

/** The tar of a container's root as that script makes it, and the trailer that it writes to stderr when all is sent. */
export interface Capture {
  readonly stdout: Iterable<Buffer>
  /** To be asked for after the last chunk. */
  trailer(): string
}

export function captureFilesystem(inside: Inside): Capture {
  const hash = createHash('sha256')
  let bytes = 0
  function* counted(): Generator<Buffer, void, void> {
    for (const chunk of tarArchive(captureMembers(inside), 'gnu')) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  return {
    stdout: counted(),
    trailer: () => `impound-trailer v1 bytes=${bytes} sha256=${hash.copy().digest('hex')} tar=0\n`,
  }
}

/**
 * Members of the root filesystem alone, parents before children: a directory that something is mounted over is an empty
 * stub, a file that is mounted over is left out.
 */
export function* captureMembers(inside: Inside): Generator<TarMember, void, void> {
  const mounted = new Map(inside.mounts.map((mount) => [mount.path, mount.tree.get('')] as const))
  const seen = new Set<BytePath>()
  for (const path of [...inside.root.keys()].sort(byteOrder)) {
    const node = mounted.get(path) ?? inside.root.get(path)
    if (node === undefined || isCovered(path, mounted)) continue
    if (mounted.has(path) && node.kind !== 'directory') continue
    yield member(path, firstNameFirst(path, node, seen, inside))
  }
}

function isCovered(path: BytePath, mounted: ReadonlyMap<BytePath, unknown>): boolean {
  for (let at = path; at !== ''; at = parentOf(at)) if (at !== path && mounted.has(at)) return true
  return false
}

/** A tar names a file by the first of its names that comes along; the others are links to that one. */
function firstNameFirst(path: BytePath, node: TreeNode, seen: Set<BytePath>, inside: Inside): TreeNode {
  if (node.kind !== 'hardlink') {
    seen.add(path)
    return node
  }
  if (!seen.has(node.target)) {
    const file = inside.root.get(node.target)
    if (file?.kind === 'file') return file
  }
  return { ...node, target: `./${node.target}` }
}

function member(path: BytePath, node: TreeNode): TarMember {
  const name = path === '' ? './' : `./${path}`
  return { name: node.kind === 'directory' && path !== '' ? `${name}/` : name, node }
}
