import type { ChangedAspect, DiffEntry } from '../model/filesystem-documents.js'
import { changeClass, changeFlags, changeKind, differences } from './comparison.js'
import type { ContentKeeper, Kept } from './content-keeper.js'
import { isMemberType } from './content-tar.js'
import { fileFacts, type TreeFacts } from './facts.js'
import type { ImageTree } from './image-tree.js'
import type { MountTable } from './mounts.js'
import { ancestorsOf, documentedPath } from './path-key.js'
import type { TreeEntry } from './read-tree.js'

interface Change {
  readonly changed: readonly ChangedAspect[]
  readonly before: TreeFacts | undefined
  readonly after: TreeFacts
  readonly content: DiffEntry['content']
}

/** What is known of a capture once it is over, as far as the diff depends on it. */
export interface CaptureKnowledge {
  readonly mounts: MountTable
  readonly hasXattrs: boolean
  /** Whether not having seen a path proves that it is not there. */
  readonly isAbsenceProven: (key: string) => boolean
}

/**
 * A container's tree against its image's, in one pass: each entry is compared as it comes, what changed is kept, and what the
 * image has and nobody sent is deleted. Memory holds the changed entries, not the unchanged ones.
 */
export class TreeDiff {
  readonly #image: ImageTree
  readonly #keeper: ContentKeeper
  /** By row of the image. */
  readonly #seen: Uint8Array
  readonly #changes = new Map<string, Change>()
  /** Paths of the image that were not sent without that proving anything; known after {@link entries}. */
  unjudged = 0

  constructor(image: ImageTree, keeper: ContentKeeper) {
    this.#image = image
    this.#seen = new Uint8Array(image.rows)
    this.#keeper = keeper
  }

  async visit({ key, facts, entry }: TreeEntry): Promise<void> {
    const row = this.#image.rowOf(key)
    const before = row === undefined ? undefined : this.#image.at(row)
    if (row !== undefined) this.#seen[row] = 1
    if (facts.type === 'file') await this.#file(key, facts, entry, before)
    else if (facts.type === 'hardlink') await this.#hardlink(key, facts, before)
    else {
      const changed = before === undefined ? [] : differences(before, facts, true)
      if (before !== undefined && changed.length === 0) return
      if (isMemberType(facts.type)) await this.#keeper.keepName(key, facts.type, facts)
      this.#changes.set(key, { changed, before, after: facts, content: undefined })
    }
  }

  /**
   * A path that was only listed, with the state that it had before the container started. `unread`: its content is to be had first, for
   * it is none of the image's. What has the image's state is taken for the image's.
   */
  async listed(key: string, facts: TreeFacts): Promise<'same' | 'changed' | 'unread'> {
    const row = this.#image.rowOf(key)
    const before = row === undefined ? undefined : this.#image.at(row)
    if (row !== undefined) this.#seen[row] = 1
    // No listing has these, and none of them changes without the state changing
    const after =
      before === undefined
        ? facts
        : { ...facts, sha256: before.sha256, xattrs: before.xattrs, device: before.device }
    const changed = before === undefined ? [] : differences(before, after, true)
    if (before !== undefined && changed.length === 0) return 'same'
    if (facts.type === 'file') return 'unread'
    if (isMemberType(facts.type)) await this.#keeper.keepName(key, facts.type, facts)
    this.#changes.set(key, { changed, before, after, content: undefined })
    return 'changed'
  }

  /** A path that was listed and did not come with the contents. */
  missed(key: string, facts: TreeFacts): void {
    const row = this.#image.rowOf(key)
    const before = row === undefined ? undefined : this.#image.at(row)
    if (row !== undefined) this.#seen[row] = 1
    const mayBeSame = before?.type === facts.type && before.size === facts.size
    // Of a file of the image's size that was not read nobody knows whether its content changed
    const after = mayBeSame ? { ...facts, sha256: before.sha256, xattrs: before.xattrs } : facts
    const changed = before === undefined ? [] : differences(before, after, true)
    if (before !== undefined && changed.length === 0) return
    const content = facts.type === 'file' ? 'cut' : undefined
    this.#changes.set(key, { changed, before, after: { ...after, sha256: undefined }, content })
  }

  async #file(
    key: string,
    facts: TreeFacts,
    entry: TreeEntry['entry'],
    before: TreeFacts | undefined,
  ): Promise<void> {
    let kept: Kept | undefined
    const mayBeSame = before?.type === 'file' && before.size === facts.size
    try {
      kept =
        mayBeSame && before.sha256 !== undefined
          ? await this.#keeper.keepUnless(before.sha256, key, facts, entry)
          : await this.#keeper.keep(key, facts, entry)
    } finally {
      const after = { ...facts, sha256: kept?.sha256 }
      const changed = before === undefined ? [] : differences(before, after, true)
      // Of a file of the image's size that was cut nobody knows whether it changed
      const isKnown = kept !== undefined || !mayBeSame
      if (isKnown && (before === undefined || changed.length > 0)) {
        this.#changes.set(key, { changed, before, after, content: kept === undefined ? 'cut' : kept.content })
      }
    }
  }

  /** Another name of a file that was sent before: the same facts, and in changed.tar another name as well. */
  async #hardlink(key: string, facts: TreeFacts, before: TreeFacts | undefined): Promise<void> {
    const target = facts.link?.replace(/^(?:\.?\/+)+/, '') ?? ''
    const first = this.#changes.get(target)
    const row = this.#image.rowOf(target)
    const found =
      first?.after ?? (row !== undefined && this.#seen[row] === 1 ? this.#image.at(row) : undefined)
    const after = found?.type === 'file' ? { ...found, link: undefined, layer: undefined } : facts
    const changed = before === undefined ? [] : differences(before, after, true)
    if (before !== undefined && changed.length === 0) return
    const isKept = first?.content === 'kept'
    if (isKept) await this.#keeper.keepName(key, 'hardlink', { ...after, link: target, xattrs: undefined })
    this.#changes.set(key, { changed, before, after, content: isKept ? 'kept' : first?.content })
  }

  /** The result, sorted by the bytes of the path. */
  *entries(capture: CaptureKnowledge): Generator<DiffEntry, void, undefined> {
    const deleted = this.#deleted(capture)
    for (const key of [...this.#changes.keys(), ...deleted.keys()].sort()) {
      const change = this.#changes.get(key)
      const entry =
        change === undefined ? deletion(key, deleted.get(key), capture) : documented(key, change, capture)
      if (entry !== undefined) yield entry
    }
  }

  #deleted(capture: CaptureKnowledge): ReadonlyMap<string, TreeFacts> {
    const deleted = new Map<string, TreeFacts>()
    this.unjudged = 0
    for (const [key, row] of this.#image.paths()) {
      if (this.#seen[row] === 1) continue
      const facts = this.#image.at(row)
      if (facts.implied) continue
      // A directory that is there because something is mounted on it or below it: nothing is missing
      const { mounts } = capture
      if (facts.type === 'directory' && (mounts.isAbove(key) || mounts.isMountPoint(key))) continue
      if (!mounts.covers(key) && capture.isAbsenceProven(key)) deleted.set(key, facts)
      else this.unjudged += 1
    }
    return deleted
  }
}

function documented(key: string, change: Change, capture: CaptureKnowledge): DiffEntry | undefined {
  const { before, after, content } = change
  const changed = capture.hasXattrs ? change.changed : change.changed.filter((aspect) => aspect !== 'xattrs')
  if (before !== undefined && changed.length === 0) return undefined
  return {
    ...documentedPath(key),
    change: before === undefined ? 'added' : changeKind(changed),
    changed,
    class: changeClass(key, after, capture.mounts),
    ...(before === undefined ? {} : { before: fileFacts(before) }),
    after: fileFacts(after),
    flags: changeFlags(key, changed, before, after),
    ...(content === undefined ? {} : { content }),
  }
}

function deletion(
  key: string,
  before: TreeFacts | undefined,
  capture: CaptureKnowledge,
): DiffEntry | undefined {
  if (before === undefined) return undefined
  return {
    ...documentedPath(key),
    change: 'deleted',
    changed: [],
    class: changeClass(key, undefined, capture.mounts),
    before: fileFacts(before),
    flags: [],
  }
}

/**
 * Whether not having seen a path proves that it is gone. After a cut nothing is proven; where tar complained, neither is
 * what it named, nor what lies below, nor a name that it would have written in another way than it is.
 */
export function absenceProof(
  isWhole: boolean,
  tarStatus: number | undefined,
  complaints: ReadonlySet<string> | undefined,
): (key: string) => boolean {
  if (!isWhole) return () => false
  if (tarStatus === 0) return () => true
  if (complaints === undefined) return () => false
  return (key) =>
    /^[\x20-\x7e]*$/.test(key) &&
    !/['"\\]/.test(key) &&
    !complaints.has(key) &&
    [...ancestorsOf(key)].every((parent) => !complaints.has(parent))
}
