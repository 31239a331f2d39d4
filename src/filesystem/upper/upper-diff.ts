import type { TarEntry } from '../../formats/tar.js'
import type { ChangedAspect, DiffEntry, FileFacts } from '../../model/filesystem-documents.js'
import { changeFlags, changeKind, differences } from '../comparison.js'
import type { ContentKeeper, Kept } from '../content-keeper.js'
import { isMemberType } from '../content-tar.js'
import { fileFacts, type TreeFacts } from '../facts.js'
import { ancestorsOf, documentedPath } from '../path-key.js'
import { idInside } from './id-map.js'
import type { InodeRecord } from './inode-record.js'
import { nodeFacts, recordFacts } from './node-facts.js'
import { type MarkedFacts, readMarks, Redirects } from './overlay-marks.js'
import { timeFlags } from './time-flags.js'
import type { UpperClasses } from './upper-class.js'
import type { UpperFacts } from './upper-facts.js'

/** What the layers below have, as far as it is known. Facts are those of the image: the owners as the container sees them. */
export interface BaselineTree {
  readonly size: number
  get(key: string): TreeFacts | undefined
  entries(): Iterable<readonly [string, TreeFacts]>
}

/** What shows that a file was written, replaced or removed between two looks at it. */
export type Identity = Pick<InodeRecord, 'type' | 'inode' | 'size' | 'ctime'>

/** One path of an upper directory, judged; whether it changed while it was read is not known yet. */
export interface UpperDraft {
  readonly key: string
  /** Undefined where the image has it just so. */
  readonly entry: DiffEntry | undefined
  readonly facts: FileFacts
  readonly record: Identity | undefined
}

/** Stands for a file whose content was not sent: there was more than the bound. The digest is the node's, where it had the time. */
export interface LeftOut {
  readonly sha256: string | undefined
}

export function isMember(came: TarEntry | LeftOut | undefined): came is TarEntry {
  return came !== undefined && 'header' in came
}

interface FirstName {
  readonly facts: TreeFacts
  readonly content: DiffEntry['content']
}

interface Content {
  readonly after: TreeFacts
  readonly content: DiffEntry['content']
  /** False where the bytes did not come: whether they are the image's is open. */
  readonly isKnown: boolean
}

export interface UpperDiffOptions {
  readonly image: BaselineTree
  readonly keeper: ContentKeeper
  readonly facts: UpperFacts
  readonly classes: UpperClasses
  /** When the container started, in seconds since 1970. */
  readonly startedAt: number | undefined
}

/**
 * An upper directory against the layers below it. Paths come sorted by their bytes, each with its record, its member of the tar, or
 * both. Memory holds neither: only names of hard links, marks of directories, and what the image loses are kept.
 */
export class UpperDiff {
  readonly #given: UpperDiffOptions
  readonly #redirects = new Redirects()
  /** Keys below which nothing of the layers is seen any more, and paths below them that upper has again. */
  readonly #hidden = new Set<string>()
  readonly #again = new Set<string>()
  readonly #firstNames = new Map<string, FirstName>()
  /** Paths, directories aside, that stand in upper and are what the image has. */
  same = 0
  /** Files whose content and attributes did not come, because contents were more than the bound. */
  leftOut = 0
  /** Owners that the container's user namespace has no id for. */
  foreignOwners = 0

  constructor(options: UpperDiffOptions) {
    this.#given = options
  }

  /** Undefined for a path that is no file of any kind, or has neither record nor member. */
  async visit(
    key: string,
    record: InodeRecord | undefined,
    came: TarEntry | LeftOut | undefined,
  ): Promise<UpperDraft | undefined> {
    const member = isMember(came) ? came : undefined
    const raw = this.#facts(record, member)
    if (raw === undefined) return undefined
    const marks = readMarks(raw, this.#given.facts.userxattr)
    const at = this.#redirects.below(key)
    const before = this.#given.image.get(at)
    if (this.#isHidden(key)) this.#again.add(key)
    if (marks.isWhiteout) {
      this.#hidden.add(key)
      return { key, record: identity(record), ...this.deletion(key, before, marks.facts) }
    }
    if (marks.redirect !== undefined) this.#redirects.add(key, marks.redirect)
    const from = this.#redirects.below(key)
    const isReplaced = before?.type === 'directory' && (marks.facts.type !== 'directory' || marks.isOpaque)
    if (isReplaced) this.#hidden.add(key)
    const { after, content, isKnown } = await this.#content(key, marks, before, from, record, came)
    const changed = before === undefined ? [] : this.#differences(before, after, isKnown)
    const facts = documented(after, record)
    if (before !== undefined && changed.length === 0 && !isReplaced && isKnown) {
      if (after.type !== 'directory') this.same += 1
      return { key, record: identity(record), facts, entry: undefined }
    }
    if (
      member !== undefined &&
      isMemberType(after.type) &&
      after.type !== 'file' &&
      after.type !== 'hardlink'
    )
      await this.#given.keeper.keepName(key, after.type, after)
    const ofClass = this.#given.classes.of(key, after, before === undefined)
    const entry: DiffEntry = {
      ...documentedPath(key),
      change: changeOf(before, after, changed, isReplaced, isKnown),
      changed,
      class: ofClass,
      ...(before === undefined ? {} : { before: fileFacts(before) }),
      after: facts,
      // runc makes its stubs executable
      flags: ofClass === 'runtime' ? [] : this.#flags(key, changed, before, after, marks),
      ...(content === undefined ? {} : { content }),
      ...(from === key ? {} : { movedFrom: documentedPath(from).path }),
    }
    return { key, record: identity(record), facts, entry }
  }

  /** What a path of the image looks like that is gone. `stub` stands for it where the image is not known to have it. */
  deletion(
    key: string,
    before: TreeFacts | undefined,
    stub: TreeFacts,
  ): { readonly entry: DiffEntry; readonly facts: FileFacts } {
    const facts = fileFacts(before ?? stub)
    return {
      facts,
      entry: {
        ...documentedPath(key),
        change: 'deleted',
        changed: [],
        class: this.#given.classes.of(key, undefined, false),
        ...(before === undefined ? {} : { before: facts }),
        flags: [],
      },
    }
  }

  /** What lay below deleted and replaced directories and is not in upper either, sorted; once all was visited. */
  deletions(): readonly (readonly [string, TreeFacts])[] {
    if (this.#hidden.size === 0) return []
    const gone: (readonly [string, TreeFacts])[] = []
    for (const [key, facts] of this.#given.image.entries())
      if (!facts.implied && this.#isHidden(key) && !this.#again.has(key)) gone.push([key, facts])
    return gone.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  #facts(record: InodeRecord | undefined, member: TarEntry | undefined): TreeFacts | undefined {
    const raw = member === undefined ? undefined : nodeFacts(member.header)
    const facts = record === undefined ? raw : withRecord(raw, record)
    if (facts === undefined) return undefined
    const { uidMap, gidMap } = this.#given.facts
    const uid = idInside(uidMap, facts.uid)
    const gid = idInside(gidMap, facts.gid)
    if (uid === undefined || gid === undefined) this.foreignOwners += 1
    return { ...facts, uid: uid ?? facts.uid, gid: gid ?? facts.gid }
  }

  async #content(
    key: string,
    { facts, isMetacopy }: MarkedFacts,
    before: TreeFacts | undefined,
    from: string,
    record: InodeRecord | undefined,
    came: TarEntry | LeftOut | undefined,
  ): Promise<Content> {
    if (isMetacopy) {
      const sha256 = this.#given.image.get(from)?.sha256
      return { after: { ...facts, sha256 }, content: 'in-image', isKnown: true }
    }
    if (facts.type === 'hardlink') return this.#hardlink(key, facts, isMember(came) ? came : undefined)
    if (facts.type !== 'file') return { after: facts, content: undefined, isKnown: true }
    if (came === undefined) return { after: facts, content: 'cut', isKnown: false }
    if (!isMember(came)) return this.#leftOut(facts, before, came)
    const kept = await this.#keep(key, facts, before, came)
    const after = { ...facts, sha256: kept.sha256 }
    if (record === undefined || record.links > 1)
      this.#firstNames.set(key, { facts: after, content: kept.content })
    return { after, content: kept.content, isKnown: true }
  }

  /** Its attributes did not come either: they are taken for those of the image, and it is counted. */
  #leftOut(facts: TreeFacts, before: TreeFacts | undefined, { sha256 }: LeftOut): Content {
    this.leftOut += 1
    const after = { ...facts, sha256, xattrs: before?.xattrs }
    const isSame = sha256 !== undefined && sha256 === before?.sha256
    return { after, content: isSame ? undefined : 'too-big', isKnown: sha256 !== undefined }
  }

  #keep(key: string, facts: TreeFacts, before: TreeFacts | undefined, member: TarEntry): Promise<Kept> {
    const { keeper } = this.#given
    return before?.type === 'file' && before.size === facts.size && before.sha256 !== undefined
      ? keeper.keepUnless(before.sha256, key, facts, member)
      : keeper.keep(key, facts, member)
  }

  /** Another name of a file that came before: its facts, and in changed.tar another name as well. */
  async #hardlink(key: string, facts: TreeFacts, member: TarEntry | undefined): Promise<Content> {
    const target = (member?.header.linkPath?.toString('latin1') ?? '').replace(/^(?:\.?\/+)+/, '')
    const first = this.#firstNames.get(target)
    if (first === undefined) return { after: { ...facts, type: 'file' }, content: 'cut', isKnown: false }
    const after: TreeFacts = { ...first.facts, link: undefined }
    if (first.content === 'kept')
      await this.#given.keeper.keepName(key, 'hardlink', { ...after, link: target, xattrs: undefined })
    return { after, content: first.content, isKnown: true }
  }

  #differences(before: TreeFacts, after: TreeFacts, isKnown: boolean): readonly ChangedAspect[] {
    const changed = differences(before, after, this.#given.facts.sysadmin)
    // Of a content that did not come only another size is proof
    return isKnown || before.size !== after.size ? changed : changed.filter((aspect) => aspect !== 'content')
  }

  #flags(
    key: string,
    changed: readonly ChangedAspect[],
    before: TreeFacts | undefined,
    after: TreeFacts,
    marks: MarkedFacts,
  ): readonly string[] {
    const isWritten = !marks.isMetacopy && (before?.type !== 'file' || changed.includes('content'))
    const flags = new Set(changeFlags(key, changed, before, after))
    // Under the time of the image's own file it was set back: that says more
    if (after.type === 'file' && isWritten && !flags.has('timestomp'))
      for (const flag of timeFlags(after, this.#given.startedAt)) flags.add(flag)
    if (marks.isFake) flags.add('fake-mark')
    return [...flags]
  }

  #isHidden(key: string): boolean {
    if (this.#hidden.size === 0) return false
    for (const parent of ancestorsOf(key)) if (this.#hidden.has(parent)) return true
    return false
  }
}

function changeOf(
  before: TreeFacts | undefined,
  after: TreeFacts,
  changed: readonly ChangedAspect[],
  isReplaced: boolean,
  isKnown: boolean,
): DiffEntry['change'] {
  if (before === undefined) return 'added'
  if (isReplaced && after.type === 'directory') return 'opaque'
  return isKnown ? changeKind(changed) : changed.includes('type') ? 'type-changed' : 'modified'
}

/** The tar says content, links and attributes; the record the rest, times to the nanosecond among it. */
function withRecord(raw: TreeFacts | undefined, record: InodeRecord): TreeFacts {
  const { mtime, atime, ctime } = record
  return raw === undefined ? recordFacts(record) : { ...raw, mtime, atime, ctime }
}

function documented(after: TreeFacts, record: InodeRecord | undefined): FileFacts {
  if (record === undefined) return fileFacts(after)
  const { inode, links, allocated } = record
  return {
    ...fileFacts(after),
    ...(Number.isSafeInteger(inode) ? { ino: inode } : {}),
    nlink: links,
    ...(after.type === 'file' ? { allocated } : {}),
  }
}

function identity(record: InodeRecord | undefined): Identity | undefined {
  if (record === undefined) return undefined
  const { type, inode, size, ctime } = record
  return { type, inode, size, ctime }
}
