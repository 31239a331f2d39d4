import { ImpoundError } from '../model/errors.js'
import type { DiffEntry } from '../model/filesystem-documents.js'
import { asArray, asString, at } from '../model/json.js'
import { changeBetween } from './compare-trees.js'
import { factsFrom, keyFrom } from './documented-facts.js'
import type { TreeFacts } from './facts.js'
import { TreeRows } from './tree-rows.js'

const MOST_ENTRIES = 1_000_000
const CLASSES = ['user', 'runtime', 'under-mount', 'volume'] as const

interface Line {
  readonly before: number | undefined
  readonly after: number | undefined
  readonly class: DiffEntry['class']
  readonly flags: readonly string[]
}

/** Lines of diff.jsonl or listing.jsonl of one container. */
export class CapturedLines {
  readonly #rows = new TreeRows()
  readonly #lines = new Map<string, Line>()

  /** Takes a parsed line. Throws `integrity` where it is none, `too-big` past the bound. */
  add(value: unknown): void {
    const key = keyFrom(value)
    const isListing = at(value, 'facts') !== undefined
    const before = this.#row(at(value, 'before'))
    const after = this.#row(isListing ? at(value, 'facts') : at(value, 'after'))
    // without facts: a file that came and went, known by the process that runs it
    if (key === undefined) throw new ImpoundError('integrity', 'a line of a filesystem listing is malformed')
    this.#rows.count(key.length)
    this.#lines.set(key, {
      before,
      after,
      class: CLASSES.find((one) => one === at(value, 'class')) ?? 'user',
      flags: asArray(at(value, 'flags')).flatMap((flag) => asString(flag) ?? []),
    })
    if (this.#lines.size > MOST_ENTRIES)
      throw new ImpoundError('too-big', `a capture of more than ${MOST_ENTRIES} paths`)
  }

  get size(): number {
    return this.#lines.size
  }

  keys(): IterableIterator<string> {
    return this.#lines.keys()
  }

  /** Undefined where there is no line. */
  line(key: string): (Pick<Line, 'class' | 'flags'> & Pick<CapturedState, 'before' | 'after'>) | undefined {
    const line = this.#lines.get(key)
    if (line === undefined) return undefined
    const facts = (row: number | undefined): TreeFacts | undefined =>
      row === undefined ? undefined : this.#rows.get(row)
    return { ...line, before: facts(line.before), after: facts(line.after) }
  }

  #row(value: unknown): number | undefined {
    if (value === undefined) return undefined
    const facts = factsFrom(value)
    if (facts === undefined)
      throw new ImpoundError('integrity', 'the facts of a file in a filesystem listing are malformed')
    return this.#rows.push(facts)
  }
}

interface CapturedState {
  readonly before: TreeFacts | undefined
  readonly after: TreeFacts | undefined
}

/** What a missing line means: the path is as the image has it, is not there, or nobody knows. */
export type Absence = 'as-in-image' | 'not-there' | 'unknown'

/**
 * What differs from one captured container to another, in no order. Returns how many paths could not be judged: named by one
 * side alone where that says nothing of the other, or of the same size without a hash.
 */
export function* compareCaptures(
  a: CapturedLines,
  b: CapturedLines,
  absence: Absence,
): Generator<DiffEntry, { readonly unjudged: number }, undefined> {
  let unjudged = 0
  for (const key of new Set([...a.keys(), ...b.keys()])) {
    const [one, other] = [a.line(key), b.line(key)]
    if (absence === 'unknown' && (one === undefined || other === undefined)) {
      unjudged += 1
      continue
    }
    const asInImage = absence === 'as-in-image'
    const before = one === undefined ? (asInImage ? other?.before : undefined) : one.after
    const after = other === undefined ? (asInImage ? one?.before : undefined) : other.after
    if (isOpen(before, after)) {
      unjudged += 1
      continue
    }
    const whose = other ?? one
    const entry = changeBetween({
      ...{ key, before, after },
      ...(whose === undefined ? {} : { class: whose.class, flags: other?.flags ?? [] }),
    })
    if (entry !== undefined) yield entry
  }
  return { unjudged }
}

/** Whether the same size is all that is known of both contents. */
function isOpen(before: TreeFacts | undefined, after: TreeFacts | undefined): boolean {
  if (before?.type !== 'file' || after?.type !== 'file' || before.size !== after.size) return false
  return before.sha256 === undefined || after.sha256 === undefined
}
