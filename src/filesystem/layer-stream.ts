import { pipeline, Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'

import { readGzip } from '../formats/gzip.js'

const OUTPUT_CHUNK = 256 << 10

type Compression = 'none' | 'gzip' | 'zstd'

export interface OpenedLayer {
  readonly compression: Compression
  /** The uncompressed tar. */
  readonly tar: AsyncIterable<Uint8Array>
}

/**
 * A layer's tar. What it is packed with is read from its first bytes, as runtimes do: media types lie. The zstd decoder of
 * this Node loses frames without a word, so whoever reads must check the diff_id.
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
  const magic = Buffer.concat(head).toString('hex', 0, 4)
  if (magic.startsWith('1f8b')) return { compression: 'gzip', tar: readGzip(whole) }
  if (magic === '28b52ffd') return { compression: 'zstd', tar: unzstd(whole) }
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

function unzstd(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const decoder = createZstdDecompress({ chunkSize: OUTPUT_CHUNK })
  // The error travels to whoever reads the decoder
  pipeline(Readable.from(source), decoder, () => undefined)
  return decoder
}
