import { ImpoundError } from '../model/errors.js'
import { type Completeness, completenessOf } from './completeness.js'
import type { ExecCapture } from './exec-capture.js'
import type { TreeFacts } from './facts.js'
import { MountTable } from './mounts.js'
import { type ListedEntries, readSent } from './read-listed.js'
import { readTree, type TreeEnd } from './read-tree.js'
import type { TreeDiff } from './tree-diff.js'

/** Bytes of paths that one further exec asks for: they travel in its URL, with the script. */
const BYTES_AT_ONCE = 6000
/** Further execs at most. */
const MOST_FETCHES = 64

export interface DiffCaptureOptions {
  /** Keys of the volumes that the spec mounts. */
  readonly volumes: readonly string[]
  /** Seconds since 1970, as the far end was told: what changed its state since is sent whole. */
  readonly since: number | undefined
  /** Asks for these paths, as {@link shellPath} writes them. */
  readonly fetch: (paths: readonly string[]) => Promise<ExecCapture>
}

/** How a capture that was compared ended. */
export interface DiffCaptureEnd extends TreeEnd {
  /** Where it was listed first: files that have the image's state from before the container started, and were not read. */
  readonly unread?: number
  /** Paths that were asked for one by one. */
  readonly fetched?: number
  /** Why not all of those came. */
  readonly fetchFailed?: Extract<Completeness, { readonly complete: false }>
}

/**
 * Reads a capture into the diff. A list that comes first says which files have the image's size, owner, mode and mtime, and a ctime of before
 * the container started: they are taken for the image's, unread. What was changed since comes in the tar; what is older and not the
 * image's is asked for. What is wrong with the capture is returned; other errors are thrown.
 */
export async function diffCapture(
  source: AsyncIterable<Uint8Array>,
  diff: TreeDiff,
  options: DiffCaptureOptions,
): Promise<DiffCaptureEnd> {
  const sent = await readSent(source).catch((error: unknown) => broken(error))
  if (sent instanceof ImpoundError) return { ...NOTHING, failure: sent }
  const { list, tar } = sent
  if (list === undefined) return readTree(tar, (entry) => diff.visit(entry))
  const listing = new Listing(diff, new MountTable(list.mounts, options.volumes), options.since ?? -Infinity)
  const failure = await listing.read(list.entries).catch((error: unknown) => broken(error))
  if (failure !== undefined) {
    await sent.close()
    return { ...NOTHING, entries: listing.entries, failure }
  }
  const tree = await readTree(tar, async (entry) => {
    if (listing.mounts.covers(entry.key)) return
    listing.pending.delete(entry.key)
    await diff.visit(entry)
  })
  const fetchFailed = tree.failure === undefined ? await listing.fetch(options.fetch) : undefined
  for (const [key, facts] of listing.pending) diff.missed(key, facts)
  return {
    ...tree,
    entries: listing.entries,
    unread: listing.unread,
    fetched: listing.odd.length,
    ...(fetchFailed === undefined ? {} : { fetchFailed }),
  }
}

class Listing {
  readonly mounts: MountTable
  /** What was listed and has not come yet. */
  readonly pending = new Map<string, TreeFacts>()
  /** Older than the container, and not as the image has it. */
  readonly odd: string[] = []
  entries = 0
  unread = 0
  readonly #diff: TreeDiff
  readonly #since: number

  constructor(diff: TreeDiff, mounts: MountTable, since: number) {
    this.#diff = diff
    this.#since = since
    this.mounts = mounts
  }

  async read(entries: ListedEntries): Promise<undefined> {
    for await (const { key, facts } of entries) {
      if (this.mounts.covers(key)) continue
      this.entries += 1
      const { seconds, nanoseconds } = facts.ctime
      // as find -newerct does
      if (seconds > this.#since || (seconds === this.#since && nanoseconds > 0)) {
        this.pending.set(key, facts)
        continue
      }
      const state = await this.#diff.listed(key, facts)
      if (state === 'same' && facts.type === 'file') this.unread += 1
      if (state !== 'unread') continue
      this.pending.set(key, facts)
      this.odd.push(key)
    }
  }

  async fetch(fetch: DiffCaptureOptions['fetch']): Promise<DiffCaptureEnd['fetchFailed']> {
    const batches = inBatches(this.odd)
    for (const batch of batches.slice(0, MOST_FETCHES)) {
      const capture = await fetch(batch).catch((error: unknown) => broken(error))
      if (capture instanceof ImpoundError)
        return { complete: false, reason: 'target-refused', why: capture.message }
      const tree = await readTree(capture.tar, async (entry) => {
        this.pending.delete(entry.key)
        await this.#diff.visit(entry)
      })
      const complete = completenessOf(tree, await capture.end)
      if (!complete.complete) return complete
    }
    if (batches.length <= MOST_FETCHES) return undefined
    const why = `${this.odd.length} files are older than the container and not as the image has them: not all of them were read`
    return { complete: false, reason: 'too-big', why }
  }
}

const NOTHING: Omit<TreeEnd, 'failure'> = { entries: 0, ended: undefined, impossible: 0, repeated: 0 }

/** What is the capture's fault is returned. */
function broken(error: unknown): ImpoundError {
  if (error instanceof ImpoundError && !['storage', 'bug', 'aborted'].includes(error.code)) return error
  throw error
}

function inBatches(keys: readonly string[]): readonly (readonly string[])[] {
  const batches: string[][] = []
  let bytes = BYTES_AT_ONCE
  for (const key of keys) {
    const path = shellPath(key)
    if (bytes + path.length > BYTES_AT_ONCE) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)?.push(path)
    bytes += path.length
  }
  return batches
}

/** A path for the script: bytes that a command line might not carry, or a shell might take for more, as \0ooo. */
export function shellPath(key: string): string {
  const plain = key.replaceAll(
    /[^A-Za-z0-9/._-]/g,
    (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return `./${plain}`
}
