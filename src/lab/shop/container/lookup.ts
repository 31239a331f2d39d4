import type { Inside } from './inside.js'
import { procTree } from './proc.js'
import type { BytePath, Tree, TreeNode } from '../files/tree.js'
import { parentOf } from '../files/tree.js'

const LINKS_FOLLOWED = 40

/** What a process in the container sees: the root with everything mounted over it, /proc made now. */
export function visibleTree(inside: Inside): Tree {
  const seen = new Map(inside.root)
  for (const mount of inside.mounts) {
    const tree = mount.filesystem === 'proc' ? procTree(inside, inside.mounts) : mount.tree
    for (const [path, node] of tree) seen.set(path === '' ? mount.path : `${mount.path}/${path}`, node)
  }
  return seen
}

export interface Found {
  readonly path: BytePath
  readonly node: TreeNode
}

/** The node that a path leads to, links on the way followed, the last one too unless `follow` is false. */
export function lookUp(tree: Tree, path: BytePath, follow = true): Found | undefined {
  const pending = segments(path)
  let at: BytePath = ''
  let links = 0
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '..') {
      at = parentOf(at)
      continue
    }
    const here = at === '' ? name : `${at}/${name}`
    const node = tree.get(here)
    if (node === undefined) return undefined
    if (node.kind === 'symlink' && (follow || pending.length > 0)) {
      links += 1
      if (links > LINKS_FOLLOWED) return undefined
      if (node.target.startsWith('/')) at = ''
      pending.unshift(...segments(node.target))
    } else {
      at = here
    }
  }
  const node = tree.get(at)
  return node === undefined ? undefined : { path: at, node }
}

/** Bytes of a file, a hardlink's included; undefined where it is none. */
export function contentOf(tree: Tree, node: TreeNode): Buffer | undefined {
  if (node.kind === 'file') return node.content
  const linked = node.kind === 'hardlink' ? tree.get(node.target) : undefined
  return linked?.kind === 'file' ? linked.content : undefined
}

function segments(path: BytePath): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}
