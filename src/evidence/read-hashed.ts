import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

import { ImpoundError } from '../model/errors.js'

/** Each read is a trip to the thread pool, which costs as much as the bytes of a small one. */
const CHUNK = 512 << 10
/** More of files is whole in one of these, and their memory is no garbage. */
const PASSING_CHUNK = 1 << 20

/** Bytes that are hashed on their way. Reading may stop and go on: no byte is lost and none is hashed twice. */
export class HashedBytes implements AsyncIterable<Buffer> {
  readonly #source: AsyncIterator<Buffer>
  readonly #hash = createHash('sha256')
  #bytes = 0

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Bytes that passed. */
  get bytes(): number {
    return this.#bytes
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const next = await this.#source.next()
      if (next.done === true) return
      this.#hash.update(next.value)
      this.#bytes += next.value.length
      yield next.value
    }
  }

  /** Reads what is left and returns the SHA-256 (hex) of all. */
  async digest(): Promise<string> {
    const rest = this[Symbol.asyncIterator]()
    while ((await rest.next()).done !== true);
    return this.#hash.digest('hex')
  }

  /** All that is left, at most `most` bytes. Throws `too-big`. */
  async whole(most: number, what = 'it'): Promise<Buffer> {
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of this) {
      length += chunk.length
      if (length > most) throw new ImpoundError('too-big', `${what} has more than ${most} bytes`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
}

/**
 * A file's bytes from its beginning; each chunk is memory of its own. The next one is read while the last one is used. The
 * caller closes the handle.
 */
export function fileBytes(handle: FileHandle, signal: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  return chunksOf(handle, () => Buffer.allocUnsafeSlow(CHUNK), signal)
}

/**
 * As {@link fileBytes}, for one who is done with a chunk when he asks for the next but one, as readGzip and readTar are:
 * it is written over then. New memory for each chunk takes longer than to read and hash it.
 */
export function passingBytes(
  handle: FileHandle,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  // one that was handed out before, one that is used, one that is read into
  const room = Array.from({ length: 3 }, () => Buffer.allocUnsafeSlow(PASSING_CHUNK))
  let turn = 0
  return chunksOf(handle, () => room[turn++ % room.length] ?? Buffer.allocUnsafeSlow(PASSING_CHUNK), signal)
}

async function* chunksOf(
  handle: FileHandle,
  room: () => Buffer,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const read = (position: number) => {
    const chunk = room()
    return handle.read(chunk, 0, chunk.length, position)
  }
  let next = read(0)
  try {
    for (let position = 0; ;) {
      if (signal.aborted) throw new ImpoundError('aborted', 'stopped while reading', { cause: signal.reason })
      const { bytesRead, buffer } = await next
      if (bytesRead === 0) return
      position += bytesRead
      next = read(position)
      // whoever stops here does not hear of it
      next.catch(() => undefined)
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    // the handle must not be closed under it
    await next.catch(() => undefined)
  }
}

/** Opens a plain file that the user named, without waiting at a pipe. Throws `usage` where it is none or can't be read. */
export async function openNamed(path: string): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new ImpoundError('usage', `can't read ${path}`, {
      cause,
      hints: ['check the path and its permissions'],
    })
  })
  if ((await handle.stat()).isFile()) return handle
  await handle.close()
  throw notPlain(path)
}

/** For pipes, devices and sockets: they can't be read twice, and need not end. */
export function notPlain(path: string): ImpoundError {
  return new ImpoundError('usage', `${path} is neither a file nor a directory`, {
    hints: ['name an archive (.tar.gz) or the directory that it was unpacked into'],
  })
}
