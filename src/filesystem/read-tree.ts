import { readTar, type TarEnd, type TarEntry } from '../formats/tar.js'
import { ImpoundError } from '../model/errors.js'
import { factsOf, type TreeFacts } from './facts.js'
import { pathKey } from './path-key.js'

/** Most files of a container that are looked at: about 200 bytes of memory each. */
const CONTAINER_ENTRIES = 1_000_000

export interface TreeEntry {
  readonly key: string
  readonly facts: TreeFacts
  readonly entry: TarEntry
}

/** How the tar of a container's tree ended. */
export interface TreeEnd {
  readonly entries: number
  /** With its two zero blocks; undefined where it did not get there. */
  readonly ended: TarEnd | undefined
  readonly failure: ImpoundError | undefined
  /** Members whose names no file can have, and members that are no file. */
  readonly impossible: number
  /** Members that came a second time: the first one counts. */
  readonly repeated: number
}

/**
 * Walks over the tar of a tree. What is wrong with the tar ends the walk and is returned; what `visit` throws for other
 * reasons (local storage, a fault of ours) is thrown.
 */
export async function readTree(
  tar: AsyncIterable<Uint8Array>,
  visit: (entry: TreeEntry) => Promise<void>,
): Promise<TreeEnd> {
  const reader = readTar(tar, { entries: CONTAINER_ENTRIES })
  const seen = new Set<string>()
  let impossible = 0
  let repeated = 0
  const end = (ended: TarEnd | undefined, failure: ImpoundError | undefined): TreeEnd => ({
    entries: seen.size,
    ended,
    failure,
    impossible,
    repeated,
  })
  try {
    for (;;) {
      const next = await reader.next()
      if (next.done === true) return end(next.value, undefined)
      const entry = next.value
      const key = pathKey(entry.header.path)
      const facts = factsOf(entry.header)
      if (key === undefined || facts === undefined) impossible += 1
      else if (seen.has(key)) repeated += 1
      else {
        seen.add(key)
        await visit({ key, facts, entry })
      }
    }
  } catch (error) {
    if (error instanceof ImpoundError && ['cut', 'integrity', 'too-big'].includes(error.code)) {
      return end(undefined, error)
    }
    throw error
  } finally {
    await reader.return({
      ended: 'two-zero-blocks',
      entries: 0,
      bytes: 0,
      trailing: { bytes: 0, zero: true },
    })
  }
}
