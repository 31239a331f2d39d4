import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/** What a stream came to, in the words in which both sides have to agree. */
export function fingerprint(bytes: number, sha256: string): string {
  return `${bytes} bytes ${sha256}`
}

export async function fingerprintOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  await pipeline(createReadStream(file), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk)
      bytes += chunk.length
    }
  })
  await rm(file)
  return fingerprint(bytes, hash.digest('hex'))
}
