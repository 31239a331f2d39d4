import { basename, resolve } from 'node:path'

import { readGzip } from '../formats/gzip.js'
import { readTar } from '../formats/tar.js'
import { ImpoundError } from '../model/errors.js'
import { isOwnName } from './names.js'
import { isDirectory, openPlain, walk } from './read-directory.js'
import { fileBytes, passingBytes, HashedBytes, openNamed } from './read-hashed.js'
import { memberPath } from './read-member-path.js'

export interface ReadOptions {
  readonly signal: AbortSignal
  /** Of one member that is wanted; default 64 MiB. */
  readonly memberBytes?: number
  /** Of all of them together; default 1 GiB. */
  readonly totalBytes?: number
}

export interface ArchiveMember {
  /** As in the archive: '<folder>/data/scene.json'. */
  readonly name: string
  /** Inside the bag: 'data/scene.json'. */
  readonly path: string
  readonly bytes: Buffer
}

const MEMBER_BYTES = 64 << 20
const TOTAL_BYTES = 1 << 30

/**
 * The files of an archive (.tar.gz) or an unpacked bag whose name (with the folder at the top) is wanted, in the order in which they
 * stand there. Checks no manifest: verify first. Names that we would not have written are passed over. Throws `usage` where it can't
 * be read, `integrity` (also for a name that is there twice), `cut`, `too-big`, `aborted`.
 */
export async function* readMembers(
  path: string,
  want: (name: string) => boolean,
  options: ReadOptions,
): AsyncGenerator<ArchiveMember, void, undefined> {
  const seen = new Set<string>()
  let left = options.totalBytes ?? TOTAL_BYTES
  for await (const { name, path: inside, content } of streamMembers(path, want, options.signal)) {
    if (seen.has(name)) throw new ImpoundError('integrity', `${name} is there twice`)
    seen.add(name)
    const bytes = await new HashedBytes(content).whole(
      Math.min(options.memberBytes ?? MEMBER_BYTES, left),
      name,
    )
    left -= bytes.length
    yield { name, path: inside, bytes }
  }
}

/** A file of an archive, its bytes not yet read. */
export interface StreamedMember {
  readonly name: string
  readonly path: string
  readonly content: AsyncIterable<Buffer>
}

/**
 * As {@link readMembers}, without holding a file whole: its bytes are read in the order of the archive, or passed over. Verify
 * first: a name that is there twice is given twice.
 */
export async function* streamMembers(
  path: string,
  want: (name: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<StreamedMember, void, undefined> {
  yield* (await isDirectory(path)) ? inDirectory(path, want, signal) : inArchive(path, want, signal)
}

async function* inArchive(
  path: string,
  want: (name: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<StreamedMember, void, undefined> {
  const handle = await openNamed(path)
  try {
    for await (const { header, content } of readTar(readGzip(passingBytes(handle, signal)))) {
      const member = memberPath(header.path)
      if (header.type !== 'file' || member === undefined) continue
      const name = `${member.folder}/${member.inside}`
      if (want(name)) yield { name, path: member.inside, content }
    }
  } finally {
    await handle.close()
  }
}

async function* inDirectory(
  directory: string,
  want: (name: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<StreamedMember, void, undefined> {
  const folder = basename(resolve(directory))
  for await (const { path, kind } of walk(directory)) {
    const name = `${folder}/${path}`
    if (kind !== 'file' || !path.split('/').every(isOwnName) || !want(name)) continue
    const handle = await openPlain(directory, path)
    try {
      yield { name, path, content: fileBytes(handle, signal) }
    } finally {
      await handle.close()
    }
  }
}
