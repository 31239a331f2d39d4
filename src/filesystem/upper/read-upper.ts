import { ByteReader } from '../../formats/byte-reader.js'
import { readLines } from '../../formats/jsonl.js'
import type { TarEntry } from '../../formats/tar.js'
import type { DiffEntry, FileFacts } from '../../model/filesystem-documents.js'
import { ImpoundError } from '../../model/errors.js'
import type { ContentKeeper } from '../content-keeper.js'
import type { TreeFacts } from '../facts.js'
import { pathKey } from '../path-key.js'
import { type HashRecord, readHashRecords } from './hash-record.js'
import { type InodeRecord, readInodeRecords } from './inode-record.js'
import { readLower } from './lower-tree.js'
import { openSpill, type Spill } from './spill.js'
import { UpperClasses } from './upper-class.js'
import { type BaselineTree, isMember, type LeftOut, UpperDiff, type UpperDraft } from './upper-diff.js'
import type { UpperFacts } from './upper-facts.js'
import { changedMeanwhile, type Pair, sideBySide } from './upper-merge.js'
import type { UpperSection, UpperStream } from './upper-stream.js'

export interface ReadUpperOptions {
  /** Undefined: the stream brings the layers below. */
  readonly image: BaselineTree | undefined
  /** When the container started, in seconds since 1970. */
  readonly startedAt: number | undefined
  readonly scratchDirectory: string
}

/** A path as the result tells it. */
export interface UpperResult {
  /** Undefined where the image has it just so. */
  readonly entry: DiffEntry | undefined
  readonly facts: FileFacts
  readonly key: string
}

/** How a capture of an upper directory ended. */
export interface UpperEnd {
  /** Paths in upper. */
  readonly entries: number
  readonly same: number
  /** Files whose content and attributes were not sent, because contents were more than the bound. */
  readonly leftOut: number
  readonly foreignOwners: number
  /** Whether the second list came whole: only then is it known what changed meanwhile. */
  readonly isCompared: boolean
  /** Programs on the node that did not end well: 'tar=1'. */
  readonly troubles: readonly string[]
  /** Whether the container's first process was still there at the end; undefined where that did not come. */
  readonly alive: boolean | undefined
  readonly failure: ImpoundError | undefined
}

export interface UpperResults {
  /** Every path that stands in upper or is gone by it, sorted by its bytes, while the second list comes. */
  readonly results: AsyncIterable<UpperResult>
  /** To be asked once the results were read. */
  readonly end: () => UpperEnd
}

const NOTHING: BaselineTree = new Map()

/**
 * Reads what templates/node/upperdir.sh sends and compares it as it comes. Contents go to the keeper; lists go through encrypted
 * scratch files, so that memory does not grow with the number of paths. What is wrong with the stream ends the reading and is told
 * by `end`: what came before it is judged, what should have come after is listed without content. Throws only what is wrong
 * before the first path, and what is local.
 */
export class UpperReading {
  readonly facts: UpperFacts
  /** What is compared with; empty where {@link noLower} says why. */
  readonly baseline: BaselineTree
  readonly noLower: string | undefined
  readonly #stream: UpperStream
  readonly #startedAt: number | undefined
  readonly #list: Spill
  readonly #drafts: Spill
  /** Undefined where all contents come. */
  readonly #hashes: Spill | undefined
  #isCompared = false
  #failure: ImpoundError | undefined
  #last: Extract<UpperSection, { kind: 'end' }> | undefined

  private constructor(parts: {
    readonly stream: UpperStream
    readonly startedAt: number | undefined
    readonly facts: UpperFacts
    readonly baseline: BaselineTree
    readonly noLower: string | undefined
    readonly list: Spill
    readonly drafts: Spill
    readonly hashes: Spill | undefined
  }) {
    this.#stream = parts.stream
    this.facts = parts.facts
    this.baseline = parts.baseline
    this.noLower = parts.noLower
    this.#startedAt = parts.startedAt
    this.#list = parts.list
    this.#drafts = parts.drafts
    this.#hashes = parts.hashes
  }

  /** Reads up to the content: facts, the list of paths and, where they are in the stream, the layers below. */
  static async begin(stream: UpperStream, options: ReadUpperOptions): Promise<UpperReading> {
    const facts = await stream.facts()
    const list = await openSpill(options.scratchDirectory)
    const drafts = await openSpill(options.scratchDirectory)
    let hashes: Spill | undefined
    try {
      for await (const { raw } of stream.records()) await list.write(raw)
      await list.write(Buffer.alloc(1))
      let section = await stream.section()
      let baseline = options.image
      let noLower: string | undefined
      if (section.kind === 'lower') {
        await expected(stream, 'list')
        baseline = await readLower(stream, facts)
        section = await stream.section()
      } else if (section.kind === 'no-lower') {
        noLower = section.why
        section = await stream.section()
      }
      if (section.kind === 'hashes') {
        hashes = await openSpill(options.scratchDirectory)
        for await (const { raw } of stream.hashes()) await hashes.write(raw)
        await hashes.write(Buffer.alloc(1))
        section = await stream.section()
      }
      if (section.kind !== 'upper') throw new ImpoundError('integrity', 'the capture has no content')
      baseline ??= NOTHING
      const { startedAt } = options
      return new UpperReading({ stream, startedAt, facts, baseline, noLower, list, drafts, hashes })
    } catch (error) {
      for (const spill of [list, drafts, hashes]) await spill?.close()
      throw error
    }
  }

  /** Received so far. */
  get bytes(): number {
    return this.#stream.bytes
  }

  /** Reads the content. Gives what tells the results, once. */
  async content(keeper: ContentKeeper): Promise<UpperResults> {
    const diff = new UpperDiff({
      image: this.baseline,
      keeper,
      facts: this.facts,
      classes: new UpperClasses(this.facts.mounts),
      startedAt: this.#startedAt,
    })
    const listed = keyed<InodeRecord, HashRecord>(sideBySide(recordsOf(this.#list), hashesOf(this.#hashes)))
    let entries = 0
    for await (const [found, member] of sideBySide(listed, this.#members())) {
      const key = found?.key ?? member?.key ?? ''
      const [record, hash] = found?.pair ?? []
      const leftOut = this.#hashes === undefined ? undefined : { sha256: hash?.sha256 }
      const draft = await this.#visit(diff, key, record, member?.member ?? leftOut)
      if (draft === undefined) continue
      entries += 1
      await this.#drafts.write(Buffer.from(`${JSON.stringify(draft)}\n`))
    }
    return { results: this.#results(diff), end: () => this.#end(diff, entries) }
  }

  async *#results(diff: UpperDiff): AsyncGenerator<UpperResult, void, undefined> {
    const deletions = diff.deletions()
    const drafted = sideBySide(this.#readDrafts(), this.#secondList())
    for await (const [found, gone] of sideBySide(
      keyed<UpperDraft, InodeRecord>(drafted),
      eachDeletion(deletions),
    )) {
      if (found !== undefined) {
        const result = await this.#judged(diff, found.pair)
        if (result !== undefined) yield result
      } else {
        yield { key: gone.key, ...diff.deletion(gone.key, gone.facts, gone.facts) }
      }
    }
  }

  #end(diff: UpperDiff, entries: number): UpperEnd {
    return {
      entries,
      same: diff.same,
      leftOut: diff.leftOut,
      foreignOwners: diff.foreignOwners,
      isCompared: this.#isCompared,
      troubles: [
        ...new Set(this.#last?.statuses.filter((status) => status !== '' && !status.endsWith('=0'))),
      ],
      alive: this.#last?.alive,
      failure: this.#failure,
    }
  }

  async close(): Promise<void> {
    for (const spill of [this.#list, this.#drafts, this.#hashes]) await spill?.close()
    await this.#stream.close()
  }

  /** A member that breaks off is judged by what the list says of it. */
  async #visit(
    diff: UpperDiff,
    key: string,
    record: InodeRecord | undefined,
    came: TarEntry | LeftOut | undefined,
  ): Promise<UpperDraft | undefined> {
    try {
      return await diff.visit(key, record, this.#failure === undefined || isMember(came) ? came : undefined)
    } catch (error) {
      this.#failure = streamFailure(error)
      return diff.visit(key, record, undefined)
    }
  }

  async #judged(
    diff: UpperDiff,
    [draft, again]: Pair<UpperDraft, InodeRecord>,
  ): Promise<UpperResult | undefined> {
    const isChanged = this.#isCompared && changedMeanwhile(draft?.record, again)
    const judged = draft ?? (await diff.visit(again.key, again, undefined))
    if (judged === undefined) return undefined
    const { key, entry, facts } = judged
    if (entry === undefined || !isChanged) return { key, facts, entry }
    return { key, facts, entry: { ...entry, flags: [...entry.flags, 'changed-during-read'] } }
  }

  /** Members of the tar, up to where something is wrong with it. */
  async *#members(): AsyncGenerator<{ readonly key: string; readonly member: TarEntry }, void, undefined> {
    let last: string | undefined
    const tar = this.#stream.tar()
    try {
      for (;;) {
        const next = await tar.next()
        if (next.done === true) return
        const key = pathKey(next.value.header.path)
        if (key === undefined || (last !== undefined && key <= last))
          throw new ImpoundError('integrity', "the node's tar is not sorted")
        last = key
        yield { key, member: next.value }
        if (this.#failure !== undefined) return
      }
    } catch (error) {
      this.#failure = streamFailure(error)
    }
  }

  async *#readDrafts(): AsyncGenerator<UpperDraft, void, undefined> {
    for await (const { text } of readLines(this.#drafts.read()))
      yield JSON.parse(text.toString('utf8')) as UpperDraft
  }

  /** Nothing where the stream has ended before. */
  async *#secondList(): AsyncGenerator<InodeRecord, void, undefined> {
    if (this.#failure !== undefined) return
    try {
      await expected(this.#stream, 'list')
      this.#isCompared = true
      for await (const { record } of this.#stream.records()) yield record
      const section = await this.#stream.section()
      if (section.kind !== 'end') throw new ImpoundError('integrity', 'the capture has no end')
      this.#last = section
      await this.#stream.finish()
    } catch (error) {
      this.#isCompared = false
      this.#failure = streamFailure(error)
    }
  }
}

interface KeyedPair<A, B> {
  readonly key: string
  readonly pair: Pair<A, B>
}

async function* keyed<A extends { readonly key: string }, B extends { readonly key: string }>(
  pairs: AsyncGenerator<Pair<A, B>, void, undefined>,
): AsyncGenerator<KeyedPair<A, B>, void, undefined> {
  for await (const pair of pairs) yield { key: pair[0]?.key ?? pair[1]?.key ?? '', pair }
}

// eslint-disable-next-line @typescript-eslint/require-await -- one kind of iterator for all that stands side by side
async function* eachDeletion(
  deletions: readonly (readonly [string, TreeFacts])[],
): AsyncGenerator<{ readonly key: string; readonly facts: TreeFacts }, void, undefined> {
  for (const [key, facts] of deletions) yield { key, facts }
}

async function* recordsOf(list: Spill): AsyncGenerator<InodeRecord, void, undefined> {
  for await (const { record } of readInodeRecords(new ByteReader(list.read(), 'the list of paths')))
    yield record
}

async function* hashesOf(hashes: Spill | undefined): AsyncGenerator<HashRecord, void, undefined> {
  if (hashes === undefined) return
  for await (const { record } of readHashRecords(new ByteReader(hashes.read(), 'the list of digests')))
    yield record
}

async function expected(stream: UpperStream, kind: UpperSection['kind']): Promise<void> {
  const section = await stream.section()
  if (section.kind !== kind)
    throw new ImpoundError('integrity', `the capture has '${section.kind}', not '${kind}'`)
}

/** What is wrong with the stream; anything else is thrown on. */
function streamFailure(error: unknown): ImpoundError {
  if (error instanceof ImpoundError && ['cut', 'integrity', 'too-big'].includes(error.code)) return error
  throw error
}
