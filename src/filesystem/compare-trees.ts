import type { DiffEntry } from '../model/filesystem-documents.js'
import { changeFlags, changeKind, differences } from './comparison.js'
import { fileFacts, type TreeFacts } from './facts.js'
import type { ImageTree } from './image-tree.js'
import { documentedPath } from './path-key.js'

/** What makes a change of two states of a path: whose it is, and what else is known of it. */
export interface ChangeOf {
  readonly key: string
  readonly before: TreeFacts | undefined
  readonly after: TreeFacts | undefined
  readonly class?: DiffEntry['class']
  readonly flags?: readonly string[]
}

/** Undefined where the states are the same, or not known well enough to tell: a directory that nobody described. */
export function changeBetween({ key, before, after, ...known }: ChangeOf): DiffEntry | undefined {
  if (before === undefined && after === undefined) return undefined
  const isVague = before?.implied === true || after?.implied === true
  if (isVague && (before?.type ?? 'directory') === (after?.type ?? 'directory')) return undefined
  const changed = before === undefined || after === undefined ? [] : differences(before, after, true)
  if (before !== undefined && after !== undefined && changed.length === 0) return undefined
  const flags = new Set([...(known.flags ?? []), ...changeFlags(key, changed, before, after)])
  return {
    ...documentedPath(key),
    change: before === undefined ? 'added' : after === undefined ? 'deleted' : changeKind(changed),
    changed,
    class: known.class ?? 'user',
    ...(before === undefined ? {} : { before: fileFacts(before) }),
    ...(after === undefined ? {} : { after: fileFacts(after) }),
    flags: [...flags],
  }
}

/** What differs from one image to another, in no order. */
export function* compareImages(a: ImageTree, b: ImageTree): Generator<DiffEntry, void, undefined> {
  for (const [key, before] of a.entries()) {
    const entry = changeBetween({ key, before, after: b.get(key) })
    if (entry !== undefined) yield entry
  }
  for (const [key, after] of b.entries()) {
    if (a.rowOf(key) !== undefined) continue
    const entry = changeBetween({ key, before: undefined, after })
    if (entry !== undefined) yield entry
  }
}
