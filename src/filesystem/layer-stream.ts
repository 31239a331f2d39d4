import { readGzip } from '../formats/gzip.js'
import { frameKind } from '../formats/zstd-frame.js'
import { readZstd } from '../formats/zstd.js'

type Compression = 'none' | 'gzip' | 'zstd'

export interface OpenedLayer {
  readonly compression: Compression
  /** The uncompressed tar. */
  readonly tar: AsyncIterable<Uint8Array>
}

/**
 * A layer's tar. What it is packed with is read from its first bytes, as runtimes do: media types lie. How the packing
 * ended is not told: whoever reads must check the diff_id.
 */
export async function openLayer(blob: AsyncIterable<Uint8Array>): Promise<OpenedLayer> {
  const chunks = blob[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let length = 0
  while (length < 4) {
    const next = await chunks.next()
    if (next.done === true) break
    head.push(next.value)
    length += next.value.length
  }
  const whole = rejoined(head, chunks)
  const magic = Buffer.concat(head).subarray(0, 4)
  if (magic[0] === 0x1f && magic[1] === 0x8b) return { compression: 'gzip', tar: readGzip(whole) }
  const kind = frameKind(magic)
  if (kind === 'frame' || kind === 'skippable') return { compression: 'zstd', tar: readZstd(whole) }
  return { compression: 'none', tar: whole }
}

async function* rejoined(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* head
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
