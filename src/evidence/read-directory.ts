import { constants, type Dir } from 'node:fs'
import { open, opendir, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { ImpoundError, messageOf } from '../model/errors.js'
import { notPlain } from './read-hashed.js'
import { faultOf } from './storage.js'

export interface DirectoryEntry {
  /** Below the root, with '/' between. */
  readonly path: string
  readonly kind: 'file' | 'other'
}

/**
 * Everything below a directory that is no directory, in the order of the file system. Links are not followed.
 * Throws `storage` where a folder can't be read: what lies in it is then not known.
 */
export async function* walk(root: string, below = ''): AsyncGenerator<DirectoryEntry, void, undefined> {
  for await (const entry of await openFolder(join(root, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) yield* walk(root, path)
    else yield { path, kind: entry.isFile() ? 'file' : 'other' }
  }
}

async function openFolder(path: string): Promise<Dir> {
  return opendir(path).catch((cause: unknown) => {
    throw new ImpoundError('storage', `can't read ${path}: ${faultOf(cause) ?? messageOf(cause)}`, {
      cause,
      hints: ['everything in it must be readable: check owner and permissions of this folder'],
    })
  })
}

/** Opens what was a plain file a moment ago: neither follows a link nor waits at a pipe. */
export async function openPlain(root: string, path: string): Promise<FileHandle> {
  return open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
}

/** Whether a path that the user named is a directory. Throws `usage` where it is neither that nor a plain file. */
export async function isDirectory(path: string): Promise<boolean> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new ImpoundError('usage', `can't read ${path}`, {
      cause,
      hints: ['check the path and its permissions'],
    })
  })
  if (!facts.isDirectory() && !facts.isFile()) throw notPlain(path)
  return facts.isDirectory()
}
