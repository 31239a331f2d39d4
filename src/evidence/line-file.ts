import { open, type FileHandle } from 'node:fs/promises'

import { storageError, writeAll } from './storage.js'

/**
 * A file that only grows, by whole lines: a line that could not be written to its end is taken back, so that the next one
 * never follows a torn one. Not for concurrent callers. Throws ImpoundError `storage`.
 */
export class LineFile {
  readonly path: string
  readonly #handle: FileHandle
  #bytes: number
  #broken: Error | undefined

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path
    this.#handle = handle
    this.#bytes = bytes
  }

  /** A new file (mode 0600); fails where it exists. */
  static async create(path: string): Promise<LineFile> {
    return LineFile.#open(path, 'ax')
  }

  /** A file that may exist already and ends with a newline. */
  static async append(path: string): Promise<LineFile> {
    return LineFile.#open(path, 'a')
  }

  static async #open(path: string, flags: string): Promise<LineFile> {
    try {
      const handle = await open(path, flags, 0o600)
      return new LineFile(path, handle, (await handle.stat()).size)
    } catch (error) {
      throw storageError(error, path)
    }
  }

  /** Durable: on the disk when it resolves, not only with the operating system. */
  async append(line: Buffer, durable: boolean): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    try {
      await writeAll(this.#handle, line)
      if (durable) await this.#handle.datasync()
    } catch (error) {
      const fault = storageError(error, this.path) as Error
      await this.#handle.truncate(this.#bytes).catch(() => (this.#broken = fault))
      throw fault
    }
    this.#bytes += line.length
  }

  async flush(): Promise<void> {
    try {
      await this.#handle.sync()
    } catch (error) {
      throw storageError(error, this.path)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
