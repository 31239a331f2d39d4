import { ByteReader } from '../../formats/byte-reader.js'
import { readTarWithin, type TarEntry } from '../../formats/tar.js'
import { ImpoundError } from '../../model/errors.js'
import { type HashRecord, readHashRecords } from './hash-record.js'
import { type InodeRecord, readInodeRecords, upToByte } from './inode-record.js'
import { parseFacts, type UpperFacts } from './upper-facts.js'

const NEWLINE = 0x0a
/** 20 blocks, as the script asks of tar. */
const TAR_RECORD = 10_240
const MOST_LINES = 200_000
/** Most paths of an upper directory. */
const ENTRIES = 2_000_000

export type UpperSection =
  | { readonly kind: 'list' | 'lower' | 'hashes' | 'upper' }
  | { readonly kind: 'no-lower'; readonly why: string }
  | { readonly kind: 'end'; readonly statuses: readonly string[]; readonly alive: boolean | undefined }

/**
 * What templates/node/upperdir.sh sends, part by part: facts; then {@link section} says what comes next, and that part is to be read
 * before the next is asked for. Throws `cut` at an early end, `integrity` where it is not as the script writes it.
 */
export class UpperStream {
  readonly #reader: ByteReader

  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#reader = new ByteReader(source, 'the capture of the upper directory', maxBytes)
  }

  get bytes(): number {
    return this.#reader.position
  }

  async facts(): Promise<UpperFacts> {
    const lines: string[] = []
    for (;;) {
      const line = await this.#line()
      if (line === 'list') return parseFacts(lines)
      lines.push(line)
      if (lines.length > MOST_LINES)
        throw new ImpoundError('too-big', 'the capture says more of its container than can be held')
    }
  }

  /** The records of a list whose line was read: by {@link facts} or {@link section}. */
  records(): AsyncGenerator<{ readonly record: InodeRecord; readonly raw: Buffer }, number, undefined> {
    return readInodeRecords(this.#reader)
  }

  async section(): Promise<UpperSection> {
    const line = await this.#line()
    if (line === 'list' || line === 'lower' || line === 'hashes' || line === 'upper') return { kind: line }
    if (line.startsWith('no-lower ')) return { kind: 'no-lower', why: line.slice('no-lower '.length) }
    const end = /^end ((?:[a-z0-9]+=\d+ )*)alive=(yes|no|before)$/.exec(line)
    if (end === null) throw new ImpoundError('integrity', 'the capture has a part that is none of ours')
    return {
      kind: 'end',
      statuses: (end[1] ?? '').trim().split(' '),
      alive: end[2] === 'before' ? undefined : end[2] === 'yes',
    }
  }

  /** What sha256sum says of files whose content does not come. */
  hashes(): AsyncGenerator<{ readonly record: HashRecord; readonly raw: Buffer }, void, undefined> {
    return readHashRecords(this.#reader)
  }

  tar(): AsyncGenerator<TarEntry, { readonly entries: number; readonly bytes: number }, undefined> {
    return readTarWithin(this.#reader, TAR_RECORD, { entries: ENTRIES })
  }

  /** Reads what should be nothing. */
  async finish(): Promise<void> {
    if ((await this.#reader.some()) !== undefined)
      throw new ImpoundError('integrity', 'the capture goes on after its end')
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async #line(): Promise<string> {
    return (await upToByte(this.#reader, NEWLINE)).toString('latin1').slice(0, -1)
  }
}
