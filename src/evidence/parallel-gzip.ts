import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const compress = promisify(gzip)

/** Uncompressed bytes of one member: big enough to compress as well as one long stream does, within a percent. */
export const MEMBER_BYTES = 1024 * 1024
/** The header's operating system byte (RFC 1952, 2.3): 255, unknown, so that every platform writes the same. */
const OS_BYTE = 9

/**
 * Compresses into gzip members of 1 MiB each, on all cores: a valid gzip file (RFC 1952, 2.2) that depends on nothing but the
 * bytes and the zlib version. Holds a few members at a time. For `pipeline`.
 */
export async function* parallelGzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const parallel = availableParallelism() + 1
  const inFlight: Promise<Buffer>[] = []
  let any = false
  for await (const block of blocks(source, MEMBER_BYTES)) {
    any = true
    inFlight.push(member(block))
    const oldest = inFlight.length > parallel ? inFlight.shift() : undefined
    if (oldest !== undefined) yield await oldest
  }
  if (!any) inFlight.push(member(Buffer.alloc(0)))
  for (const rest of inFlight) yield await rest
}

function member(block: Buffer): Promise<Buffer> {
  const done = compress(block).then((bytes) => {
    bytes[OS_BYTE] = 0xff
    return bytes
  })
  // where the consumer stops early nobody waits for those behind
  done.catch(() => undefined)
  return done
}

/** The same bytes in blocks of `size`, the last one shorter; each a copy, never empty. */
async function* blocks(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let block = Buffer.allocUnsafe(size)
  let filled = 0
  for await (const chunk of source) {
    for (let offset = 0; offset < chunk.length;) {
      const part = chunk.subarray(offset, offset + size - filled)
      block.set(part, filled)
      filled += part.length
      offset += part.length
      if (filled === size) {
        yield block
        block = Buffer.allocUnsafe(size)
        filled = 0
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
