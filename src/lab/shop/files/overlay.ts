import type { Attributes, BytePath, Tree, TreeNode } from './tree.js'
import { parentOf, remove } from './tree.js'

export interface Written {
  readonly image: Tree
  /** Seconds since 1970. */
  readonly changedAt: ReadonlyMap<BytePath, number>
}

/**
 * A container's root while it is written to: the directory that gets or loses an entry takes the time of the write, as a
 * filesystem does it. Paths are byte paths.
 */
export class Overlay {
  readonly #image: Tree
  readonly #tree: Map<BytePath, TreeNode>
  readonly #changedAt = new Map<BytePath, number>()

  constructor(image: Tree) {
    this.#image = image
    this.#tree = new Map(image)
    if (!this.#tree.has('')) {
      this.#tree.set('', { kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0 })
    }
  }

  get tree(): Tree {
    return this.#tree
  }

  /** What lies below what was written, and when each path was, whatever its mtime says. */
  get written(): Written {
    return { image: this.#image, changedAt: this.#changedAt }
  }

  /** Writes a file, in place where there is one. `at` is its mtime; the directory's is touched only where it is new. */
  file(path: BytePath, content: Buffer | string, at: Date, given: Partial<Attributes> = {}): this {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
    return this.#put(path, { kind: 'file', content: bytes, ...this.#attributes(path, 0o644, at, given) }, at)
  }

  directory(path: BytePath, at: Date, given: Partial<Attributes> = {}): this {
    return this.#put(path, { kind: 'directory', ...this.#attributes(path, 0o755, at, given) }, at)
  }

  /** Points a name at something: `ln -sfn`. */
  symlink(path: BytePath, target: string, at: Date, given: Partial<Attributes> = {}): this {
    const node: TreeNode = { kind: 'symlink', target, ...this.#attributes(path, 0o777, at, given) }
    return this.#put(path, node, at).touch(parentOf(path), at)
  }

  hardlink(path: BytePath, target: BytePath, at: Date): this {
    return this.#put(path, { ...this.#known(target), kind: 'hardlink', target }, at)
  }

  delete(path: BytePath, at: Date): this {
    this.#known(path)
    remove(this.#tree, path)
    return this.touch(parentOf(path), at)
  }

  chmod(path: BytePath, mode: number): this {
    this.#tree.set(path, { ...this.#known(path), mode })
    return this
  }

  touch(path: BytePath, at: Date): this {
    this.#tree.set(path, { ...this.#known(path), mtime: seconds(at) })
    return this
  }

  #put(path: BytePath, node: TreeNode, at: Date): this {
    const isNew = !this.#tree.has(path)
    this.#tree.set(path, node)
    this.#changedAt.set(path, seconds(at))
    return isNew ? this.touch(parentOf(path), at) : this
  }

  #attributes(path: BytePath, mode: number, at: Date, given: Partial<Attributes>): Attributes {
    const before = this.#tree.get(path)
    return {
      mode: given.mode ?? before?.mode ?? mode,
      uid: given.uid ?? before?.uid ?? 0,
      gid: given.gid ?? before?.gid ?? 0,
      mtime: given.mtime ?? seconds(at),
    }
  }

  #known(path: BytePath): TreeNode {
    const node = this.#tree.get(path)
    if (node === undefined) throw new Error(`no such path in this container: /${path}`)
    return node
  }
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000)
}
