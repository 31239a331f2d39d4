import type { Hash } from 'node:crypto'
import { Readable } from 'node:stream'

import { ImpoundError } from '../model/errors.js'
import type { Descriptor } from '../model/ports/registry.js'
import type { RegistryClient } from './client.js'
import { checkDigest, hashFor } from './digest.js'
import { transportError } from './http.js'

/** How often a blob that broke off is taken up again where it ended. */
const RESUMES = 3

/**
 * A blob's bytes as stored. Fails with `integrity` as soon as there are more of them than the descriptor says, and at the
 * end where they are not those of the digest; a lost connection is taken up again by a Range request.
 */
export function verifiedBlob(
  client: RegistryClient,
  repository: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): Readable {
  return Readable.from(chunks(client, repository, descriptor, signal), {
    objectMode: false,
    highWaterMark: 1 << 20,
  })
}

/** Passes bytes on and fails with `integrity` as soon as there are too many, and at the end where they are not the digest's. */
export async function* checkedBytes(
  source: AsyncIterable<Buffer>,
  descriptor: Descriptor,
): AsyncGenerator<Buffer, void, undefined> {
  const hash = hashFor(descriptor.digest)
  let received = 0
  for await (const chunk of source) {
    received += chunk.length
    if (received > descriptor.size) throw tooMany(descriptor)
    hash.update(chunk)
    yield chunk
  }
  checkWhole(hash, received, descriptor)
}

function tooMany({ digest, size }: Descriptor): ImpoundError {
  return new ImpoundError('integrity', `blob ${digest} has more than its ${size} bytes`)
}

function checkWhole(hash: Hash, received: number, { digest, size }: Descriptor): void {
  if (received < size)
    throw new ImpoundError('integrity', `blob ${digest} has ${received} bytes, its descriptor says ${size}`)
  checkDigest(hash, digest, `blob ${digest}`)
}

async function* chunks(
  client: RegistryClient,
  repository: string,
  descriptor: Descriptor,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const path = `blobs/${descriptor.digest}`
  const url = client.urlOf(repository, path)
  const hash = hashFor(descriptor.digest)
  let received = 0
  for (let resumes = 0; received < descriptor.size || resumes === 0; resumes += 1) {
    const headers = received === 0 ? {} : { range: `bytes=${received}-` }
    const answer = await client.ask({ method: 'GET', repository, path, headers, signal })
    // Without Range support the whole blob comes again: what we have had is passed over.
    let pass = received > 0 && answer.statusCode !== 206 ? received : 0
    try {
      for await (const whole of answer.body as AsyncIterable<Buffer>) {
        const chunk = whole.subarray(Math.min(pass, whole.length))
        pass -= whole.length - chunk.length
        if (chunk.length === 0) continue
        received += chunk.length
        if (received > descriptor.size) throw tooMany(descriptor)
        hash.update(chunk)
        yield chunk
      }
      break
    } catch (error) {
      const failure = transportError(error, url, signal)
      if (failure.code !== 'unreachable' || resumes === RESUMES) throw failure
    } finally {
      answer.body.destroy()
    }
  }
  checkWhole(hash, received, descriptor)
}
