import type { Written } from '../shop/files/overlay.js'
import type { Whiteout } from '../shop/files/tar-writer.js'
import { byteOrder, parentOf, type BytePath, type Tree, type TreeNode } from '../shop/files/tree.js'

/** A path of an upper directory. */
export interface UpperNode {
  readonly path: BytePath
  readonly node: TreeNode | Whiteout
  /** Seconds since 1970. */
  readonly changedAt: number
}

/** What overlayfs keeps in the upper directory of a root that was written to, sorted by the bytes of `./path`. */
export function upperLayer(root: Tree, { image, changedAt }: Written): readonly UpperNode[] {
  const upper = new Map<BytePath, TreeNode | Whiteout>()
  for (const [path, node] of root) {
    if (image.get(path) === node) continue
    upper.set(path, node)
    for (let parent = path; parent !== '';) {
      parent = parentOf(parent)
      const directory = root.get(parent)
      if (directory !== undefined) upper.set(parent, directory)
    }
  }
  for (const path of image.keys()) {
    const parent = root.get(parentOf(path))
    if (!root.has(path) && parent?.kind === 'directory') {
      upper.set(path, { kind: 'whiteout', mode: 0, uid: 0, gid: 0, mtime: parent.mtime })
      upper.set(parentOf(path), parent)
    }
  }
  return [...upper]
    .map(([path, node]) => ({ path, node, changedAt: Math.max(node.mtime, changedAt.get(path) ?? 0) }))
    .sort((a, b) => byteOrder(a.path, b.path))
}

/** What the image has below directories that upper hides, sorted. */
export function hiddenBelow(upper: readonly UpperNode[], image: Tree): readonly UpperNode[] {
  const hidden = upper.filter(
    ({ path, node }) => node.kind !== 'directory' && image.get(path)?.kind === 'directory',
  )
  return [...image]
    .filter(([path]) => hidden.some((one) => path.startsWith(`${one.path}/`)))
    .map(([path, node]) => ({ path, node, changedAt: node.mtime }))
    .sort((a, b) => byteOrder(a.path, b.path))
}
