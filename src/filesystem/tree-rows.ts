import { ImpoundError } from '../model/errors.js'
import type { FileType } from '../model/filesystem-documents.js'
import type { TreeFacts } from './facts.js'

const TYPES: readonly FileType[] = [
  ...(['file', 'directory', 'symlink', 'hardlink'] as const),
  ...(['char', 'block', 'fifo', 'socket'] as const),
]
const ROWS_A_BLOCK = 1 << 14
const HASH_BYTES = 32
/** Bytes of all names, links and extended attributes together: a header may carry a mebibyte of them. */
const MOST_TEXT = 256 << 20

/** What few files have. */
type Extras = Pick<TreeFacts, 'link' | 'device' | 'xattrs' | 'atime' | 'ctime'>

interface Block {
  readonly type: Uint8Array
  readonly flags: Uint8Array
  readonly mode: Uint16Array
  readonly layer: Uint16Array
  readonly nanoseconds: Uint32Array
  /** uid, gid, size, seconds of each row: numbers of a tar don't fit 32 bits. */
  readonly numbers: Float64Array
  readonly hashes: Buffer
}

const IMPLIED = 1
const HASHED = 2
const LAYERED = 4

/**
 * Facts of many paths in columns: about 80 bytes each beside what few of them have, where an object is some 300. A row
 * is written once or over again, never freed.
 */
export class TreeRows {
  readonly #blocks: Block[] = []
  readonly #extras = new Map<number, Extras>()
  #length = 0
  #text = 0

  /** Rows so far. */
  get length(): number {
    return this.#length
  }

  /** Counts a name's bytes. Throws `too-big` where all of them are more than any image has. */
  count(bytes: number): void {
    this.#text += bytes
    if (this.#text > MOST_TEXT)
      throw new ImpoundError('too-big', `names and attributes of more than ${MOST_TEXT} bytes`)
  }

  push(facts: TreeFacts): number {
    const row = this.#length
    if (row % ROWS_A_BLOCK === 0) this.#blocks.push(emptyBlock())
    this.#length += 1
    this.set(row, facts)
    return row
  }

  set(row: number, facts: TreeFacts): void {
    const [block, at] = this.#place(row)
    block.type[at] = TYPES.indexOf(facts.type)
    block.mode[at] = facts.mode
    block.layer[at] = facts.layer ?? 0
    block.nanoseconds[at] = facts.mtime.nanoseconds
    block.numbers.set([facts.uid, facts.gid, facts.size, facts.mtime.seconds], at * 4)
    block.flags[at] =
      (facts.implied ? IMPLIED : 0) |
      (facts.sha256 === undefined ? 0 : HASHED) |
      (facts.layer === undefined ? 0 : LAYERED)
    if (facts.sha256 !== undefined) block.hashes.write(facts.sha256, at * HASH_BYTES, 'latin1')
    this.#setExtras(row, facts)
  }

  get(row: number): TreeFacts {
    const [block, at] = this.#place(row)
    const flags = block.flags[at] ?? 0
    const extras = this.#extras.get(row)
    const number = (which: number): number => block.numbers[at * 4 + which] ?? 0
    return {
      type: TYPES[block.type[at] ?? 0] ?? 'file',
      mode: block.mode[at] ?? 0,
      uid: number(0),
      gid: number(1),
      size: number(2),
      mtime: { seconds: number(3), nanoseconds: block.nanoseconds[at] ?? 0 },
      atime: extras?.atime,
      ctime: extras?.ctime,
      link: extras?.link,
      device: extras?.device,
      sha256:
        (flags & HASHED) === 0
          ? undefined
          : block.hashes.toString('latin1', at * HASH_BYTES, (at + 1) * HASH_BYTES),
      layer: (flags & LAYERED) === 0 ? undefined : block.layer[at],
      implied: (flags & IMPLIED) !== 0,
      xattrs: extras?.xattrs,
    }
  }

  layerOf(row: number): number {
    const [block, at] = this.#place(row)
    return block.layer[at] ?? 0
  }

  typeOf(row: number): FileType {
    const [block, at] = this.#place(row)
    return TYPES[block.type[at] ?? 0] ?? 'file'
  }

  sizeOf(row: number): number {
    const [block, at] = this.#place(row)
    return block.numbers[at * 4 + 2] ?? 0
  }

  linkOf(row: number): string | undefined {
    return this.#extras.get(row)?.link
  }

  #place(row: number): readonly [Block, number] {
    const block = this.#blocks[Math.floor(row / ROWS_A_BLOCK)]
    if (block === undefined) throw new ImpoundError('bug', `no row ${row}`)
    return [block, row % ROWS_A_BLOCK]
  }

  #setExtras(row: number, { link, device, xattrs, atime, ctime }: TreeFacts): void {
    if ((link ?? device ?? xattrs ?? atime ?? ctime) === undefined) {
      this.#extras.delete(row)
      return
    }
    this.count((link?.length ?? 0) + xattrBytes(xattrs))
    this.#extras.set(row, { link, device, xattrs, atime, ctime })
  }
}

function emptyBlock(): Block {
  return {
    type: new Uint8Array(ROWS_A_BLOCK),
    flags: new Uint8Array(ROWS_A_BLOCK),
    mode: new Uint16Array(ROWS_A_BLOCK),
    layer: new Uint16Array(ROWS_A_BLOCK),
    nanoseconds: new Uint32Array(ROWS_A_BLOCK),
    numbers: new Float64Array(ROWS_A_BLOCK * 4),
    hashes: Buffer.alloc(ROWS_A_BLOCK * HASH_BYTES),
  }
}

function xattrBytes(xattrs: TreeFacts['xattrs']): number {
  let bytes = 0
  for (const [name, value] of xattrs ?? []) bytes += name.length + value.length
  return bytes
}
