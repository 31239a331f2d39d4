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
