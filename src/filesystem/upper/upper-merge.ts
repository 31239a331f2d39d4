import type { Identity } from './upper-diff.js'

/** Something with a key, of many that come sorted by it. */
interface Keyed {
  readonly key: string
}

/** What two streams have under one key. */
export type Pair<A, B> = readonly [A, B | undefined] | readonly [undefined, B]

/** Two sorted streams side by side. */
export async function* sideBySide<A extends Keyed, B extends Keyed>(
  a: AsyncIterator<A>,
  b: AsyncIterator<B>,
): AsyncGenerator<Pair<A, B>, void, undefined> {
  let left = await a.next()
  let right = await b.next()
  for (;;) {
    if (left.done !== true && (right.done === true || left.value.key < right.value.key)) {
      yield [left.value, undefined]
      left = await a.next()
    } else if (right.done !== true && (left.done === true || right.value.key < left.value.key)) {
      yield [undefined, right.value]
      right = await b.next()
    } else if (left.done !== true && right.done !== true) {
      yield [left.value, right.value]
      left = await a.next()
      right = await b.next()
    } else return
  }
}

/** Whether a file was written, replaced or removed between two looks at it. Directories move with every name in them. */
export function changedMeanwhile(before: Identity | undefined, after: Identity | undefined): boolean {
  if (before === undefined || after === undefined) return true
  if (before.type === 'directory' && after.type === 'directory') return false
  return (
    before.inode !== after.inode ||
    before.size !== after.size ||
    before.ctime.seconds !== after.ctime.seconds ||
    before.ctime.nanoseconds !== after.ctime.nanoseconds
  )
}
