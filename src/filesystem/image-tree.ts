import { ImpoundError } from '../model/errors.js'
import { impliedDirectory, type TreeFacts } from './facts.js'
import { ancestorsOf, baseName, parentOf } from './path-key.js'
import { PathTable } from './path-table.js'
import { TreeRows } from './tree-rows.js'

/** Most entries of an image that are held: some 150 bytes of memory each. */
const IMAGE_ENTRIES = 1_000_000
/** Rows for each entry that may stay: layers that take away what others brought leave theirs behind. */
const REWRITES = 3
const SYMLINKS = 40
const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

/**
 * What an image's layers add up to: path to facts. Layers are applied base first, each between begin and end. A whiteout or
 * an opaque mark takes away what lower layers brought, never what its own did, wherever in the layer it stands.
 * Source: OCI image-spec, layer.md; parents are resolved through symlinks as containerd's archive.Apply does.
 */
export class ImageTree {
  /** Paths to rows. */
  readonly #entries = new PathTable()
  readonly #rows = new TreeRows()
  readonly #limit: number
  #layer = 0
  /** Paths whose lower contents go: with the path itself, and only what lies below it. */
  #removed = new Set<string>()
  #emptied = new Set<string>()
  #lastParent = ''
  #lastResolved = ''

  constructor(limit = IMAGE_ENTRIES) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): TreeFacts | undefined {
    const row = this.#entries.get(key)
    return row === undefined ? undefined : this.#rows.get(row)
  }

  /** A number below {@link rows} that a path has as long as no layer is applied: what a set of seen paths can be made of. */
  rowOf(key: string): number | undefined {
    return this.#entries.get(key)
  }

  /** How many numbers {@link rowOf} gives at most. */
  get rows(): number {
    return this.#rows.length
  }

  /** Every path with its row; {@link at} has the facts. */
  paths(): Generator<readonly [string, number], void, undefined> {
    return this.#entries.entries()
  }

  *entries(): Generator<readonly [string, TreeFacts], void, undefined> {
    for (const [key, row] of this.#entries.entries()) yield [key, this.#rows.get(row)]
  }

  /** The facts of a row. */
  at(row: number): TreeFacts {
    return this.#rows.get(row)
  }

  /** Bytes of all files: what a tar of the tree has to carry at least. */
  fileBytes(): number {
    let bytes = 0
    for (const row of this.#entries.values())
      if (this.#rows.typeOf(row) === 'file') bytes += this.#rows.sizeOf(row)
    return bytes
  }

  beginLayer(layer: number): void {
    this.#layer = layer
    this.#removed = new Set()
    this.#emptied = new Set()
    this.#forgetParent()
  }

  /** Takes a member of the layer in hand. A hard link becomes a copy of what it names. Throws `too-big` past the limit. */
  add(path: string, facts: TreeFacts): void {
    const key = this.#resolved(path)
    const name = baseName(key)
    if (name.startsWith(WHITEOUT) && key !== '') {
      this.#whiteout(key, name)
      return
    }
    this.#imply(key)
    const row = this.#entries.get(key)
    const before = row === undefined ? undefined : this.#rows.typeOf(row)
    if (before === 'directory' && facts.type !== 'directory') this.#emptied.add(key)
    if (before === 'symlink' || facts.type === 'symlink') this.#forgetParent()
    this.#set(key, { ...this.#linked(facts), layer: this.#layer })
  }

  endLayer(): void {
    if (this.#removed.size + this.#emptied.size > 0) {
      for (const [key, row] of this.#entries.entries()) {
        if (this.#rows.layerOf(row) !== this.#layer && this.#isHidden(key)) this.#entries.delete(key)
      }
    }
    this.#forgetParent()
  }

  #whiteout(key: string, name: string): void {
    const parent = parentOf(key) ?? ''
    if (name === OPAQUE) this.#emptied.add(parent)
    if (name.startsWith('.wh..wh.')) return
    const hidden = parent === '' ? name.slice(WHITEOUT.length) : `${parent}/${name.slice(WHITEOUT.length)}`
    this.#removed.add(hidden)
    if (this.#removed.size > this.#limit)
      throw new ImpoundError('too-big', `a layer takes away more than ${this.#limit} files`)
    // At once, so that a symlink that is gone leads no later member of this layer astray
    const row = this.#entries.get(hidden)
    if (row !== undefined && this.#rows.layerOf(row) !== this.#layer) this.#entries.delete(hidden)
    this.#forgetParent()
  }

  #isHidden(key: string): boolean {
    if (this.#removed.has(key)) return true
    for (const parent of ancestorsOf(key))
      if (this.#removed.has(parent) || this.#emptied.has(parent)) return true
    return false
  }

  #linked(facts: TreeFacts): TreeFacts {
    if (facts.type !== 'hardlink' || facts.link === undefined) return facts
    const target = this.get(this.#resolved(trimmed(facts.link)))
    return target?.type === 'file' ? target : facts
  }

  #imply(key: string): void {
    for (const parent of ancestorsOf(key)) {
      if (this.#entries.has(parent)) return
      this.#set(parent, impliedDirectory(this.#layer))
    }
  }

  #set(key: string, facts: TreeFacts): void {
    const row = this.#entries.get(key)
    if (row === undefined) {
      this.#entries.set(key, this.#rows.push(facts))
      this.#rows.count(key.length)
    } else this.#rows.set(row, facts)
    if (this.#entries.size > this.#limit || this.#entries.places > REWRITES * this.#limit)
      throw new ImpoundError('too-big', `the image has more than ${this.#limit} files`)
  }

  #forgetParent(): void {
    this.#lastParent = ''
    this.#lastResolved = ''
  }

  /** The path with every symlink above its last part followed, within the root. */
  #resolved(path: string): string {
    const parent = parentOf(path)
    if (parent === undefined || parent === '') return path
    if (parent !== this.#lastParent) {
      this.#lastResolved = this.#followed(parent)
      this.#lastParent = parent
    }
    return this.#lastResolved === '' ? baseName(path) : `${this.#lastResolved}/${baseName(path)}`
  }

  #followed(directory: string): string {
    let rest = directory.split('/')
    let at: string[] = []
    for (let links = 0; rest.length > 0;) {
      const [part = '', ...after] = rest
      rest = after
      if (part === '' || part === '.') continue
      if (part === '..') {
        at.pop()
        continue
      }
      const link = this.#linkAt([...at, part].join('/'))
      if (link === undefined) at.push(part)
      else {
        links += 1
        if (links > SYMLINKS) return directory
        if (link.startsWith('/')) at = []
        rest = [...link.split('/'), ...rest]
      }
    }
    return at.join('/')
  }

  #linkAt(key: string): string | undefined {
    const row = this.#entries.get(key)
    return row !== undefined && this.#rows.typeOf(row) === 'symlink' ? this.#rows.linkOf(row) : undefined
  }
}

function trimmed(link: string): string {
  return link
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}
