import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, type Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { TarArchive } from 'archiver'

import { ImpoundError } from '../model/errors.js'
import type { ManifestEntry } from './bag.js'
import { parallelGzip } from './parallel-gzip.js'
import { storageError, writeAll } from './storage.js'

/** A read is a trip to the thread pool: with the default of 64 KiB they cost more than what is read. */
const READ_BYTES = 512 * 1024

/** No more than so much waits for the disk: flushed all at once at the end, none of it would be written while the processors work. */
const UNFLUSHED_BYTES = 32 << 20

export interface Packed {
  readonly sha256: string
  readonly bytes: number
}

export interface PackOptions {
  /** The one folder inside the archive. */
  readonly folder: string
  /** Of every member: metadata of the spool's files says nothing about the evidence. */
  readonly mtime: Date
  readonly signal: AbortSignal
}

/**
 * Packs the members, in their order, into one PAX tar (POSIX.1-2001), gzip, and flushes it to the disk. The same
 * bytes in give the same bytes out. Throws `integrity` where a file is not what its manifest line says, `storage`, `aborted`.
 */
export async function packTar(
  directory: string,
  members: readonly ManifestEntry[],
  file: string,
  options: PackOptions,
): Promise<Packed> {
  const archive = new TarArchive()
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const hash = createHash('sha256')
  let bytes = 0
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  const written = intoFile(file, (write) =>
    pipeline(bytesOf(archive), parallelGzip, counted, write, { signal }),
  )
  const fed = feed(archive, directory, members, { ...options, signal })
  // whichever fails first ends the other, which then only says that it was ended
  let first: unknown
  const note = (error: unknown): void => {
    first ??= error
    failed.abort(error)
  }
  await Promise.allSettled([written.catch(note), fed.catch(note)])
  if (options.signal.aborted) {
    throw new ImpoundError('aborted', 'the archive was not finished', { cause: options.signal.reason })
  }
  if (first !== undefined) throw storageError(first, file)
  return { sha256: hash.digest('hex'), bytes }
}

/** Makes the file anew and gives what takes its bytes; resolves when they are all on the disk. */
async function intoFile(
  file: string,
  pour: (write: (chunks: AsyncIterable<Buffer>) => Promise<void>) => Promise<void>,
): Promise<void> {
  const handle = await open(file, 'w', 0o600)
  try {
    await pour((chunks) => writeAndFlush(handle, chunks))
  } finally {
    await handle.close()
  }
}

async function writeAndFlush(handle: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
  let flushing = Promise.resolve()
  let unflushed = 0
  try {
    for await (const chunk of chunks) {
      await writeAll(handle, chunk)
      unflushed += chunk.length
      if (unflushed < UNFLUSHED_BYTES) continue
      await flushing
      flushing = handle.datasync()
      // heard of at the next turn
      flushing.catch(() => undefined)
      unflushed = 0
    }
  } finally {
    await flushing
  }
  await handle.sync()
}

/** What an archiver gives. It is never destroyed: in the middle of a member that would end the process. */
function bytesOf(archive: TarArchive): Readable {
  const bytes = new Readable({ read: () => void archive.resume() })
  archive.on('data', (chunk) => {
    if (!bytes.push(chunk)) archive.pause()
  })
  archive.on('end', () => bytes.push(null))
  archive.on('error', (error) => bytes.destroy(error))
  return bytes
}

async function feed(
  archive: TarArchive,
  directory: string,
  members: readonly ManifestEntry[],
  options: PackOptions,
): Promise<void> {
  // archiver only warns of what it leaves out
  const refused = new Promise<never>((_resolve, reject) => archive.on('warning', reject))
  for (const member of members) {
    const path = join(directory, member.path)
    const taken = once(archive, 'entry', { signal: options.signal })
    // where reading fails first, nobody waits for it
    taken.catch(() => undefined)
    if (member.bytes <= READ_BYTES) {
      const { content, stats } = await wholeFile(path, member)
      archive.append(content, entryOf(member, stats, options))
      await Promise.race([taken, refused])
      continue
    }
    const stats = await stat(path)
    if (stats.size !== member.bytes) throw changed(member.path)
    const source = Readable.from(checked(path, member), { objectMode: false })
    // archiver pipes the source without looking at its errors
    const broken = new Promise<never>((_resolve, reject) => source.on('error', reject))
    try {
      archive.append(source, entryOf(member, stats, options))
      await Promise.race([taken, broken, refused])
    } finally {
      source.destroy()
    }
  }
  // settles with the pipeline, which tells how it ended
  archive.finalize().catch(() => undefined)
}

function entryOf(member: ManifestEntry, stats: Stats, options: PackOptions) {
  // with stats the size is known, without archiver would hold the whole file
  return { name: `${options.folder}/${member.path}`, stats, date: options.mtime, mode: 0o600 }
}

/** A small file at once: a stream of its own would cost more than its bytes. */
async function wholeFile(path: string, member: ManifestEntry) {
  const handle = await open(path)
  try {
    const stats = await handle.stat()
    if (stats.size !== member.bytes) throw changed(member.path)
    const content = Buffer.allocUnsafe(member.bytes)
    let filled = 0
    while (filled < content.length) {
      const { bytesRead } = await handle.read(content, filled)
      if (bytesRead === 0) throw changed(member.path)
      filled += bytesRead
    }
    if (createHash('sha256').update(content).digest('hex') !== member.sha256) throw changed(member.path)
    return { content, stats }
  } finally {
    await handle.close()
  }
}

/** A file's bytes; fails at their end where they are not those that were received. */
async function* checked(path: string, member: ManifestEntry): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  if (hash.digest('hex') !== member.sha256) throw changed(member.path)
}

function changed(path: string): ImpoundError {
  return new ImpoundError('integrity', `${path} is no longer what was received`, {
    hints: ['something on this machine changed the spool; what is there is kept: impound seal DIR'],
  })
}
