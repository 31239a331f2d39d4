import type { DiffEntry, FileFacts } from '../model/filesystem-documents.js'
import { bodyfileLine } from './bodyfile.js'
import { type ContentKeeper, hashIfPossible, type Kept } from './content-keeper.js'
import { fileFacts, type TreeFacts } from './facts.js'
import { documentedPath } from './path-key.js'
import type { TreeEntry } from './read-tree.js'

/** One line of filesystem/<container>/listing.jsonl, in the order in which the container sent them. */
interface ListingEntry {
  readonly path: string
  readonly pathB64?: string
  readonly facts: FileFacts
  /** Whether its own times say that it was written or changed after the container started. A time can be set back. */
  readonly recent: boolean
  /** Whether its bytes are in recent.tar; why not, if not. */
  readonly content?: DiffEntry['content']
}

/** A text file that is being written, a piece at a time. */
type WriteText = (text: string) => Promise<void>

/**
 * A container's tree where the image is not known: what is there, with hashes, and the content of what seems to be newer than
 * the container. It says nothing of what changed. Nothing is held: entries are written as they come.
 */
export class TreeListing {
  readonly #startedAt: number
  readonly #keeper: ContentKeeper
  readonly #listing: WriteText
  readonly #bodyfile: WriteText
  tooBig = 0

  /** `startedAt` in seconds since 1970; undefined: nothing counts as recent. */
  constructor(startedAt: number | undefined, keeper: ContentKeeper, listing: WriteText, bodyfile: WriteText) {
    this.#startedAt = startedAt ?? Infinity
    this.#keeper = keeper
    this.#listing = listing
    this.#bodyfile = bodyfile
  }

  async visit({ key, facts, entry }: TreeEntry): Promise<void> {
    const recent = Math.max(facts.mtime.seconds, facts.ctime?.seconds ?? -Infinity) >= this.#startedAt
    if (facts.type !== 'file') {
      await this.#write(key, facts, recent, undefined)
      return
    }
    let kept: Kept | undefined
    try {
      kept = recent
        ? await this.#keeper.keep(key, facts, entry)
        : { sha256: await hashIfPossible(entry), content: undefined }
    } finally {
      if (kept?.content === 'too-big') this.tooBig += 1
      await this.#write(
        key,
        { ...facts, sha256: kept?.sha256 },
        recent,
        kept === undefined ? 'cut' : kept.content,
      )
    }
  }

  async #write(key: string, facts: TreeFacts, recent: boolean, content: DiffEntry['content']): Promise<void> {
    const entry: ListingEntry = {
      ...documentedPath(key),
      facts: fileFacts(facts),
      recent,
      ...(content === undefined ? {} : { content }),
    }
    await this.#listing(`${JSON.stringify(entry)}\n`)
    await this.#bodyfile(bodyfileLine(entry, entry.facts, false))
  }
}
