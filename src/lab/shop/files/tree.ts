/**
 * A path below the root of a filesystem, without leading or trailing slash, a character for each byte (latin1): a name in
 * Linux is bytes, not text.
 */
export type BytePath = string

export interface Attributes {
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970, whole. */
  readonly mtime: number
}

export type TreeNode = Attributes &
  (
    | { readonly kind: 'directory' }
    | { readonly kind: 'file'; readonly content: Buffer }
    | { readonly kind: 'symlink'; readonly target: string }
    /** A further name of the file at `target`. */
    | { readonly kind: 'hardlink'; readonly target: BytePath }
  )

/** A filesystem tree; the root itself is ''. */
export type Tree = ReadonlyMap<BytePath, TreeNode>

/** A layer's members in their order, whiteouts among them as the files that the image specification makes of them. */
export type Layer = readonly (readonly [BytePath, TreeNode])[]

export function bytePath(text: string): BytePath {
  return Buffer.from(text, 'utf8').toString('latin1')
}

export function parentOf(path: BytePath): BytePath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

export function baseOf(path: BytePath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Children of a directory, sorted by their bytes. */
export function childrenOf(tree: Tree, directory: BytePath): readonly BytePath[] {
  return [...tree.keys()].filter((path) => path !== '' && parentOf(path) === directory).sort(byteOrder)
}

export function byteOrder(a: BytePath, b: BytePath): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Layers put on each other, base first. A whiteout or an opaque mark hides what lower layers have, never what its own does.
 * Source: OCI image specification, layer.md.
 */
export function applyLayers(layers: readonly Layer[]): Map<BytePath, TreeNode> {
  const tree = new Map<BytePath, TreeNode>()
  for (const layer of layers) {
    for (const [path] of layer) hideLower(tree, path)
    for (const [path, node] of layer) if (!baseOf(path).startsWith('.wh.')) tree.set(path, node)
  }
  return tree
}

function hideLower(tree: Map<BytePath, TreeNode>, mark: BytePath): void {
  const name = baseOf(mark)
  if (!name.startsWith('.wh.')) return
  const parent = parentOf(mark)
  if (name === '.wh..wh..opq') removeBelow(tree, parent)
  else remove(tree, parent === '' ? name.slice(4) : `${parent}/${name.slice(4)}`)
}

/** Takes a path and all below it out of a tree. */
export function remove(tree: Map<BytePath, TreeNode>, path: BytePath): void {
  tree.delete(path)
  removeBelow(tree, path)
}

function removeBelow(tree: Map<BytePath, TreeNode>, directory: BytePath): void {
  for (const path of [...tree.keys()]) if (path.startsWith(`${directory}/`)) tree.delete(path)
}
