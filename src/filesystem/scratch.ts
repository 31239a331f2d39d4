import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { ImpoundError } from '../model/errors.js'

const BLOCK = 256 << 10

/**
 * A temporary file for one file's content while it is not known whether it changed. What lies there is encrypted with a key
 * that lives in memory alone, so that a virus scanner does not take the evidence away, and the file has no name from the
 * moment it is open (where the system allows that), so that nothing stays behind after a crash.
 */
export class Scratch {
  readonly #file: FileHandle
  readonly #directory: string
  readonly #key: Buffer

  private constructor(file: FileHandle, directory: string, key: Buffer) {
    this.#file = file
    this.#directory = directory
    this.#key = key
  }

  /** Throws `storage`. */
  static async open(below: string): Promise<Scratch> {
    try {
      const directory = await mkdtemp(join(below, 'impound-'))
      const path = join(directory, 'scratch')
      const file = await open(path, 'wx+', 0o600)
      await rm(path).catch(() => undefined)
      return new Scratch(file, directory, randomBytes(32))
    } catch (error) {
      throw storage(error)
    }
  }

  /** Writes one content over what was there before; returns a way to read it again, once. */
  async fill(): Promise<{
    write(piece: Buffer): Promise<void>
    read(): AsyncGenerator<Buffer, void, undefined>
  }> {
    // A fresh nonce each time: the same key stream never meets two contents
    const nonce = randomBytes(16)
    const cipher = createCipheriv('aes-256-ctr', this.#key, nonce)
    const file = this.#file
    const key = this.#key
    let size = 0
    await this.#file.truncate(0).catch(rethrow)
    return {
      async write(piece) {
        const sealed = cipher.update(piece)
        for (let at = 0; at < sealed.length;) {
          const { bytesWritten } = await file.write(sealed, at, sealed.length - at, size).catch(rethrow)
          at += bytesWritten
          size += bytesWritten
        }
      },
      async *read() {
        const decipher = createDecipheriv('aes-256-ctr', key, nonce)
        const block = Buffer.allocUnsafe(BLOCK)
        for (let at = 0; at < size;) {
          const { bytesRead } = await file.read(block, 0, Math.min(BLOCK, size - at), at).catch(rethrow)
          if (bytesRead === 0)
            throw new ImpoundError('storage', 'the temporary file is shorter than what was written')
          at += bytesRead
          yield decipher.update(block.subarray(0, bytesRead))
        }
      },
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
    await rm(this.#directory, { recursive: true, force: true })
  }
}

function rethrow(error: unknown): never {
  throw storage(error)
}

function storage(error: unknown): ImpoundError {
  return new ImpoundError('storage', 'a temporary file for content can not be written', {
    hints: ['free space, or point TMPDIR at a disk that has some'],
    cause: error,
  })
}
