import type { ErrorCode } from '../../../src/model/errors.js'
import type { SourceBytes } from './reading.js'

/** An archive that nobody means well with, and what reading it must come to. */
export interface HostileArchive extends SourceBytes {
  /** Completes "an archive with …". */
  readonly name: string
  /** Every entry that is seen, in the words of `describeEntry`. */
  readonly entries: readonly string[]
  /** 'whole', or the code of what is thrown. */
  readonly end: End
}

export type End =
  | 'whole'
  /** The end mark is there; so many bytes that are not all zero stand behind it. */
  | `hidden ${number}`
  /** The packing is whole; this many bytes follow its last member or frame. */
  | `after packing ${number}`
  | ErrorCode

/** A tar that reads to its end. */
export function read(name: string, bytes: Buffer, ...entries: readonly string[]): HostileArchive {
  return { name, packing: 'tar', bytes, entries, end: 'whole' }
}

/** A tar that is refused, after the entries that stand before the trouble. */
export function refused(
  name: string,
  end: ErrorCode,
  bytes: Buffer,
  ...entries: readonly string[]
): HostileArchive {
  return { name, packing: 'tar', bytes, entries, end }
}
