import { open, readdir, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { readTar } from '../formats/tar.js'
import { ImpoundError } from '../model/errors.js'

/** The files of an image archive by their names inside; a tar and a directory look the same. */
export interface ArchiveFiles {
  /** Bytes; undefined where there is no such file. */
  size(name: string): number | undefined
  /** A file's bytes, from the disk each time. */
  read(name: string, signal: AbortSignal): AsyncIterable<Buffer>
  close(): Promise<void>
}

const CHUNK = 256 << 10
/** An archive of a few images has some dozens. */
const MOST_FILES = 100_000

/**
 * Opens a directory or a tar. The tar is read through once, to learn where its files stand. Throws `usage` where the path
 * can't be read, `unsupported` for a compressed tar, whose files can't be found again, and what the tar reader throws.
 */
export async function openArchiveFiles(path: string, signal: AbortSignal): Promise<ArchiveFiles> {
  let handle: FileHandle
  try {
    handle = await open(path)
  } catch (cause) {
    throw new ImpoundError('usage', `the image archive ${path} can not be read`, { cause })
  }
  try {
    if ((await handle.stat()).isDirectory()) {
      await handle.close()
      return await directoryFiles(path)
    }
    return await tarFiles(path, handle, signal)
  } catch (error) {
    await handle.close().catch(() => undefined)
    throw error
  }
}

interface Place {
  readonly offset: number
  readonly size: number
}

async function tarFiles(path: string, handle: FileHandle, signal: AbortSignal): Promise<ArchiveFiles> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
  if (bytesRead === 4 && (buffer.readUInt16BE() === 0x1f8b || buffer.readUInt32BE() === 0x28b52ffd)) {
    throw new ImpoundError('unsupported', `the image archive ${path} is compressed`, {
      hints: ['unpack it first: gunzip, or zstd -d; the layers within stay packed'],
    })
  }
  const places = new Map<string, Place>()
  const links = new Map<string, string>()
  const { size } = await handle.stat()
  for await (const { header, offset } of readTar(slices(handle, 0, size, signal), { entries: MOST_FILES })) {
    const name = normal(header.path.toString('latin1'))
    if (name === undefined) continue
    if (header.type === 'file' && header.sparse === undefined) places.set(name, { offset, size: header.size })
    // Docker wrote a layer that two images share once, and a link for the other
    if ((header.type === 'symlink' || header.type === 'hardlink') && header.linkPath !== undefined) {
      const from = header.type === 'symlink' ? name.slice(0, name.lastIndexOf('/') + 1) : ''
      const target = normal(`${from}${header.linkPath.toString('latin1')}`)
      if (target !== undefined) links.set(name, target)
    }
  }
  const placeOf = (name: string): Place | undefined => places.get(name) ?? places.get(links.get(name) ?? '')
  return {
    size: (name) => placeOf(name)?.size,
    read(name, readSignal) {
      const place = placeOf(name)
      if (place === undefined) throw missing(path, name)
      return slices(handle, place.offset, place.size, readSignal)
    },
    close: () => handle.close(),
  }
}

async function directoryFiles(path: string): Promise<ArchiveFiles> {
  const sizes = new Map<string, number>()
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isFile()) continue
    if (sizes.size >= MOST_FILES)
      throw new ImpoundError('too-big', `${path} holds more than ${MOST_FILES} files`)
    const whole = join(entry.parentPath, entry.name)
    const handle = await open(whole)
    try {
      sizes.set(whole.slice(join(path, '/').length), (await handle.stat()).size)
    } finally {
      await handle.close()
    }
  }
  return {
    size: (name) => sizes.get(name),
    async *read(name, signal) {
      const size = sizes.get(name)
      if (size === undefined) throw missing(path, name)
      const handle = await open(join(path, name))
      try {
        yield* slices(handle, 0, size, signal)
      } finally {
        await handle.close()
      }
    },
    close: () => Promise.resolve(),
  }
}

async function* slices(
  handle: FileHandle,
  offset: number,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < size;) {
    if (signal.aborted) throw new ImpoundError('aborted', 'interrupted while an image archive was read')
    // a new one each time: whoever reads may keep it, or give it to another thread
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, size - at))
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset + at)
    if (bytesRead === 0) throw new ImpoundError('cut', 'an image archive got shorter while it was read')
    at += bytesRead
    yield chunk.subarray(0, bytesRead)
  }
}

/** A name inside, without './' and '..'; undefined for one that leads out. */
function normal(name: string): string | undefined {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.join('/')
}

function missing(path: string, name: string): ImpoundError {
  return new ImpoundError(
    'integrity',
    `the image archive ${path} has no ${JSON.stringify(name.slice(0, 200))}`,
  )
}
