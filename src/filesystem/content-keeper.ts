import type { TarEntry } from '../formats/tar.js'
import { hashContent } from './content-hash.js'
import type { ContentTar } from './content-tar.js'
import type { TreeFacts } from './facts.js'
import { Scratch } from './scratch.js'

/** Up to here a content that may be the image's is held in memory while it is hashed; past it, in a scratch file. */
const IN_MEMORY = 1 << 20
/** Holes are read as zeros only up to here: a file of 8 EiB costs its owner nothing. */
const MOST_HOLES = 4 * 2 ** 30

export interface Kept {
  /** Raw bytes as latin1; undefined where the holes were too many to hash. */
  readonly sha256: string | undefined
  readonly content: 'kept' | 'too-big' | undefined
}

/**
 * Puts contents into a tar up to a bound on their bytes. What no longer fits is hashed and named, not kept. It is first
 * come, first kept: in one pass over a stream nobody knows yet which executables are still to come.
 */
export class ContentKeeper {
  readonly #tar: ContentTar
  readonly #maxBytes: number
  readonly #scratchDirectory: string
  #scratch: Scratch | undefined
  #keptBytes = 0

  /** `scratchDirectory` is used for contents of more than 1 MiB that may turn out to be the image's. */
  constructor(tar: ContentTar, maxBytes: number, scratchDirectory: string) {
    this.#tar = tar
    this.#maxBytes = maxBytes
    this.#scratchDirectory = scratchDirectory
  }

  get keptBytes(): number {
    return this.#keptBytes
  }

  /** Keeps a file that is known to be wanted: straight through, hashed on the way. */
  async keep(key: string, facts: TreeFacts, entry: TarEntry): Promise<Kept> {
    const { size, sparse } = entry.header
    if (!this.#fits(size)) return { sha256: await hashIfPossible(entry), content: 'too-big' }
    await this.#tar.begin(key, 'file', facts, size, sparse)
    this.#keptBytes += size
    const store = (piece: Buffer): Promise<void> => this.#tar.content(piece)
    if (facts.size <= MOST_HOLES) return { sha256: await hashContent(entry, store), content: 'kept' }
    for await (const piece of entry.content) await store(piece)
    return { sha256: undefined, content: 'kept' }
  }

  /** Keeps a file if its hash is another than the one given, which is known only at its end. */
  async keepUnless(sha256: string, key: string, facts: TreeFacts, entry: TarEntry): Promise<Kept> {
    const { size, sparse } = entry.header
    if (!this.#fits(size)) {
      const found = await hashContent(entry)
      return { sha256: found, content: found === sha256 ? undefined : 'too-big' }
    }
    const held = size <= IN_MEMORY ? inMemory() : await (await this.#openScratch()).fill()
    const found = await hashContent(entry, (piece) => held.write(piece))
    if (found === sha256) return { sha256: found, content: undefined }
    await this.#tar.begin(key, 'file', facts, size, sparse)
    for await (const piece of held.read()) await this.#tar.content(piece)
    this.#keptBytes += size
    return { sha256: found, content: 'kept' }
  }

  /** A directory, a symlink, or another name of a file that was kept. */
  async keepName(key: string, type: 'directory' | 'symlink' | 'hardlink', facts: TreeFacts): Promise<void> {
    await this.#tar.begin(key, type, facts, 0)
  }

  async close(): Promise<void> {
    await this.#scratch?.close()
    this.#scratch = undefined
  }

  #fits(size: number): boolean {
    return size <= this.#maxBytes - this.#keptBytes
  }

  async #openScratch(): Promise<Scratch> {
    this.#scratch ??= await Scratch.open(this.#scratchDirectory)
    return this.#scratch
  }
}

/** The hash of a content that is not kept; undefined where its holes are too many. */
export async function hashIfPossible(entry: TarEntry): Promise<string | undefined> {
  return (entry.header.sparse?.realSize ?? 0) > MOST_HOLES ? undefined : hashContent(entry)
}

/** Copies: a piece of the stream is a view on a chunk that is reused. */
function inMemory(): { write(piece: Buffer): void; read(): Iterable<Buffer> } {
  const pieces: Buffer[] = []
  return { write: (piece) => void pieces.push(Buffer.from(piece)), read: () => pieces }
}
