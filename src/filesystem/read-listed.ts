import { ByteReader } from '../formats/byte-reader.js'
import { foundEntry } from '../formats/find-listing.js'
import { ImpoundError } from '../model/errors.js'
import { type Listed, listedFacts } from './listed-facts.js'
import { unescapeMount } from './mounts.js'
import { upToByte } from './upper/inode-record.js'

const MARK = Buffer.from('impound-list v1\n')
const MOST_MOUNTS = 100_000
/** Most paths of a container that are looked at. */
const MOST_ENTRIES = 1_000_000

export type ListedEntries = AsyncGenerator<Listed, void, undefined>

/** What templates/capture-filesystem.sh sends: a tar alone, or a list of everything and a tar of what is recent. */
export interface Sent {
  readonly list?: {
    /** Keys of what is mounted and not listed. */
    readonly mounts: readonly string[]
    /** To be read to its end before the tar. Throws `cut`, `integrity`, `too-big`. */
    readonly entries: ListedEntries
  }
  /** The tar's bytes; leaving it early ends the capture. */
  readonly tar: AsyncGenerator<Buffer, void, undefined>
  /** Ends the capture where the tar was not begun. */
  close(): Promise<void>
}

/** Looks at how it begins, and with a list at the mounts, which stand before it. */
export async function readSent(source: AsyncIterable<Uint8Array>): Promise<Sent> {
  const reader = new ByteReader(source, 'the capture')
  const tar = rest(reader)
  const close = (): Promise<void> => reader.close()
  try {
    const begin = await reader.upTo(MARK.length)
    if (!begin.equals(MARK)) return { tar: prepended(begin, tar), close }
    const mounts: string[] = []
    for (;;) {
      const raw = await upToByte(reader, 0)
      if (raw.length === 1) return { list: { mounts, entries: entries(reader) }, tar, close }
      const key = unescapeMount(raw.toString('latin1', 0, raw.length - 1))
      if (key !== undefined) mounts.push(key)
      if (mounts.length > MOST_MOUNTS)
        throw new ImpoundError('too-big', `the container has more than ${MOST_MOUNTS} mounts`)
    }
  } catch (error) {
    await reader.close()
    throw error
  }
}

async function* entries(reader: ByteReader): ListedEntries {
  for (let count = 0; ; count += 1) {
    const raw = await upToByte(reader, 0)
    if (raw.length === 1) return
    if (count >= MOST_ENTRIES)
      throw new ImpoundError('too-big', `the container has more than ${MOST_ENTRIES} files`)
    const listed = listedFacts(foundEntry(raw.toString('latin1', 0, raw.length - 1)))
    if (listed === undefined)
      throw new ImpoundError('integrity', 'the list of files has one that no container can have')
    yield listed
  }
}

async function* rest(reader: ByteReader): AsyncGenerator<Buffer, void, undefined> {
  try {
    for (;;) {
      const some = await reader.some()
      if (some === undefined) return
      yield some
    }
  } finally {
    await reader.close()
  }
}

async function* prepended(
  begin: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (begin.length > 0) yield begin
    yield* rest
  } finally {
    await rest.return()
  }
}
