/** A stream of the bytes in chunks of a size. */
export async function* inChunks(
  bytes: Uint8Array,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The same chunk forever. */
export async function* endless(chunk: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) yield chunk
}

/** The same bytes, each chunk written over when the next but one is asked for. */
export async function* passing(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const given: Buffer[] = []
  for await (const chunk of chunks) {
    given.push(Buffer.from(chunk))
    given.at(-3)?.fill(0xaa)
    yield given.at(-1) ?? chunk
  }
}
