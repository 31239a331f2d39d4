import { ImpoundError } from '../model/errors.js'

const PAGE_HEADER = 16
const META = { magic: 0xed0cdaed, version: 2, bytes: 64, checked: 56 }
const FLAGS = { branch: 0x01, leaf: 0x02, meta: 0x04 } as const
const ELEMENT = 16
const BUCKET_HEADER = 16
const IS_BUCKET = 1
/** The root of a tree that deep would have more pages than any disk. */
const MOST_DEPTH = 32
/** Pages and elements that one file may make us visit: pages that point to each other in circles end there. */
const MOST_VISITS = 2_000_000

/** A bucket of a bbolt file: keys, each with a value or a bucket of its own. */
export interface BoltBucket {
  /** Undefined where there is none of that name. */
  bucket(key: string): BoltBucket | undefined
  value(key: string): Buffer | undefined
  /** In the order of the file, which is that of the keys' bytes. */
  entries(): Generator<BoltEntry, void, undefined>
}

export interface BoltEntry {
  readonly key: Buffer
  readonly value: Buffer | BoltBucket
}

/**
 * The root bucket of a bbolt file as it is on the disk; reads no further than it is asked for. Throws `integrity` where a page is not as
 * bbolt writes it, at once or later: a file that is written to meanwhile can be copied torn. Source: go.etcd.io/bbolt, page.go, bucket.go.
 */
export function openBolt(file: Buffer): BoltBucket {
  const { pageSize, root } = newestMeta(file)
  return new PagedBucket({ file, pageSize, visits: 0 }, root)
}

interface Reading {
  readonly file: Buffer
  readonly pageSize: number
  visits: number
}

/** Of the two meta pages the one of the last transaction that is whole. */
function newestMeta(file: Buffer): { readonly pageSize: number; readonly root: number } {
  const first = metaAt(file, 0)
  // where the first is torn its page size is not known: those that there are
  const sizes = first === undefined ? [4096, 8192, 16_384, 65_536] : [first.pageSize]
  const found = [first, ...sizes.map((size) => metaAt(file, size))].filter((meta) => meta !== undefined)
  const newest = found.sort((a, b) => Number(b.transaction - a.transaction))[0]
  if (newest === undefined) throw new ImpoundError('integrity', 'this is no bbolt file: it has no meta page')
  return newest
}

function metaAt(file: Buffer, page: number) {
  const at = page + PAGE_HEADER
  if (at + META.bytes > file.length || (file.readUInt16LE(page + 8) & FLAGS.meta) === 0) return undefined
  if (file.readUInt32LE(at) !== META.magic || file.readUInt32LE(at + 4) !== META.version) return undefined
  const pageSize = file.readUInt32LE(at + 8)
  if (pageSize < 512 || pageSize > 1 << 20) return undefined
  if (file.readBigUInt64LE(at + META.checked) !== fnv1a(file.subarray(at, at + META.checked)))
    return undefined
  return {
    pageSize,
    root: pageNumber(file, at + 16),
    transaction: file.readBigUInt64LE(at + 48),
  }
}

class PagedBucket implements BoltBucket {
  readonly #reading: Reading
  /** A page's number, or the page itself where the bucket is so small that it lies in its parent. */
  readonly #root: number | Buffer

  constructor(reading: Reading, root: number | Buffer) {
    this.#reading = reading
    this.#root = root
  }

  bucket(key: string): BoltBucket | undefined {
    const found = this.#find(key)
    return Buffer.isBuffer(found) ? undefined : found
  }

  value(key: string): Buffer | undefined {
    const found = this.#find(key)
    return Buffer.isBuffer(found) ? found : undefined
  }

  *entries(): Generator<BoltEntry, void, undefined> {
    if (typeof this.#root === 'number') yield* this.#page(this.#root, 0)
    else yield* this.#leaf(this.#root)
  }

  #find(key: string): BoltEntry['value'] | undefined {
    const wanted = Buffer.from(key)
    for (const entry of this.entries()) if (entry.key.equals(wanted)) return entry.value
    return undefined
  }

  *#page(number: number, depth: number): Generator<BoltEntry, void, undefined> {
    const { file, pageSize } = this.#reading
    if (depth > MOST_DEPTH) throw damaged('a tree is too deep')
    this.#visit()
    const start = number * pageSize
    if (start + PAGE_HEADER > file.length) throw damaged(`page ${number} is not there`)
    const overflow = file.readUInt32LE(start + 12)
    const end = start + (overflow + 1) * pageSize
    if (end > file.length) throw damaged(`page ${number} is cut`)
    const page = file.subarray(start, end)
    const flags = page.readUInt16LE(8)
    if ((flags & FLAGS.leaf) !== 0) yield* this.#leaf(page)
    else if ((flags & FLAGS.branch) !== 0) {
      const count = page.readUInt16LE(10)
      for (let index = 0; index < count; index += 1) {
        const at = element(page, index)
        yield* this.#page(pageNumber(page, at + 8), depth + 1)
      }
    } else throw damaged(`page ${number} is neither branch nor leaf`)
  }

  *#leaf(page: Buffer): Generator<BoltEntry, void, undefined> {
    if (page.length < PAGE_HEADER || (page.readUInt16LE(8) & FLAGS.leaf) === 0)
      throw damaged('a leaf is none')
    const count = page.readUInt16LE(10)
    for (let index = 0; index < count; index += 1) {
      this.#visit()
      const at = element(page, index)
      const key = at + page.readUInt32LE(at + 4)
      const value = key + page.readUInt32LE(at + 8)
      const end = value + page.readUInt32LE(at + 12)
      if (end > page.length) throw damaged('an element lies outside of its page')
      const bytes = page.subarray(value, end)
      const isBucket = (page.readUInt32LE(at) & IS_BUCKET) !== 0
      yield { key: page.subarray(key, value), value: isBucket ? this.#inner(bytes) : bytes }
    }
  }

  #inner(header: Buffer): BoltBucket {
    if (header.length < BUCKET_HEADER) throw damaged('a bucket has no header')
    const root = pageNumber(header, 0)
    return new PagedBucket(this.#reading, root === 0 ? header.subarray(BUCKET_HEADER) : root)
  }

  #visit(): void {
    this.#reading.visits += 1
    if (this.#reading.visits > MOST_VISITS) throw damaged('it goes on and on')
  }
}

function element(page: Buffer, index: number): number {
  const at = PAGE_HEADER + index * ELEMENT
  if (at + ELEMENT > page.length) throw damaged('a page has more elements than fit')
  return at
}

function pageNumber(bytes: Buffer, at: number): number {
  const number = bytes.readBigUInt64LE(at)
  if (number > 1n << 40n) throw damaged('a page number is too large')
  return Number(number)
}

/** 64 bits of FNV-1a, as Go's hash/fnv has it. */
function fnv1a(bytes: Buffer): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn
  return hash
}

function damaged(why: string): ImpoundError {
  return new ImpoundError(
    'integrity',
    `the bbolt file is damaged, or was written to while it was copied: ${why}`,
  )
}
