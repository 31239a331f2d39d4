import { ImpoundError } from '../model/errors.js'

export interface LineLimits {
  /** Of one line, its newline included. */
  readonly lineBytes: number
  readonly lines: number
}

export interface Line {
  /** As it stands in the file, with its newline: what a hash chain is made of. */
  readonly raw: Buffer
  /** Without the newline. */
  readonly text: Buffer
  /** From 0. */
  readonly index: number
  /** The file ended before the newline: a line that may have been cut. Only the last one can be. */
  readonly torn: boolean
}

const DEFAULTS: LineLimits = { lineBytes: 16 << 20, lines: 50_000_000 }
const NEWLINE = 0x0a
const MOST_SLICES = 1024

/**
 * Lines of a byte stream, split at "\n" alone, as JSON Lines and checksum manifests are. Memory is bounded by one line
 * and a chunk. Throws `too-big` past a limit; errors of the source as they are.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<LineLimits> = {},
): AsyncGenerator<Line, void, undefined> {
  const bounds: LineLimits = { ...DEFAULTS, ...limits }
  let parts: Buffer[] = []
  let small: Buffer[] = []
  let length = 0
  let index = 0
  const next = (torn: boolean): Line => {
    parts.push(...small)
    small = []
    const raw = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
    parts = []
    length = 0
    if (index >= bounds.lines) throw new ImpoundError('too-big', `more than ${bounds.lines} lines`)
    index += 1
    return { raw, text: torn ? raw : raw.subarray(0, -1), index: index - 1, torn }
  }
  const take = (part: Buffer): void => {
    small.push(part)
    length += part.length
    // A slice weighs more than the byte that it may hold
    if (small.length >= MOST_SLICES) {
      parts.push(Buffer.concat(small))
      small = []
    }
    if (length > bounds.lineBytes) {
      throw new ImpoundError('too-big', `line ${index + 1} is longer than ${bounds.lineBytes} bytes`)
    }
  }
  for await (const bytes of source) {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      take(chunk.subarray(start, end + 1))
      start = end + 1
      yield next(false)
    }
    if (start < chunk.length) take(chunk.subarray(start))
  }
  if (length > 0) yield next(true)
}
