import { setTimeout as wait } from 'node:timers/promises'

type Bytes = AsyncIterable<Buffer>

/** Told at the end how many bytes the whole answer had. */
type Total = (bytes: number) => void

/** Passes this many bytes on and leaves the rest; `short` where the source had no more than that. */
export async function* firstBytes(source: Bytes, limit: number, short: Total): AsyncGenerator<Buffer> {
  let seen = 0
  for await (const chunk of source) {
    const part = chunk.subarray(0, Math.max(0, limit - seen))
    seen += chunk.length
    if (part.length > 0) yield part
    if (seen > limit) return
  }
  short(seen)
}

/** Ends with the last of so many bytes, whether more would come or not; `short` where the source ends before it. */
export async function* untilByte(source: Bytes, limit: number, short: Total): AsyncGenerator<Buffer> {
  let seen = 0
  if (limit === 0) return
  for await (const chunk of source) {
    yield chunk.subarray(0, limit - seen)
    seen += chunk.length
    if (seen >= limit) return
  }
  short(seen)
}

/** Holds the last bytes back, and swallows them; `short` where there was nothing to lose. */
export async function* allButLast(source: Bytes, count: number, short: Total): AsyncGenerator<Buffer> {
  let held = Buffer.alloc(0)
  for await (const chunk of source) {
    const all = Buffer.concat([held, chunk])
    const surplus = Math.max(0, all.length - count)
    held = all.subarray(surplus)
    if (surplus > 0) yield all.subarray(0, surplus)
  }
  if (held.length === 0) short(0)
}

/** Flips the lowest bit of one byte; `short` where the source ends before it. */
export async function* corrupted(source: Bytes, offset: number, short: Total): AsyncGenerator<Buffer> {
  let seen = 0
  for await (const chunk of source) {
    yield flipped(chunk, offset - seen)
    seen += chunk.length
  }
  if (seen <= offset) short(seen)
}

/** A copy with one bit flipped; the chunk itself where the offset is not in it. */
export function flipped(chunk: Buffer, offset: number): Buffer {
  if (offset < 0 || offset >= chunk.length) return chunk
  const copy = Buffer.from(chunk)
  copy[offset] = (copy[offset] ?? 0) ^ 1
  return copy
}

const TICKS_PER_SECOND = 20

/** No more than so many bytes in a second, in small parts. */
export async function* paced(source: Bytes, bytesPerSecond: number): AsyncGenerator<Buffer> {
  const size = Math.max(1, Math.floor(bytesPerSecond / TICKS_PER_SECOND))
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length; offset += size) {
      const part = chunk.subarray(offset, offset + size)
      yield part
      await wait((part.length * 1000) / bytesPerSecond, undefined, { ref: false })
    }
  }
}

/** Passes this many lines on, then one more, and ends; `short` where the source had fewer. */
export async function* linesThen(
  source: Bytes,
  limit: number,
  last: Buffer,
  short: (lines: number) => void,
): AsyncGenerator<Buffer> {
  let lines = 0
  if (limit > 0) {
    for await (const chunk of source) {
      for (const line of chunk.toString('latin1').split(/(?<=\n)/)) {
        yield Buffer.from(line, 'latin1')
        if (line.endsWith('\n')) lines += 1
        if (lines >= limit) break
      }
      if (lines >= limit) break
    }
  }
  if (lines < limit) short(lines)
  else yield last
}
