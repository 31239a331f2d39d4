import { constants } from 'node:fs'
import { open, opendir, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { ImpoundError } from '../model/errors.js'

export interface DirectoryEntry {
  /** Below the root, with '/' between. */
  readonly path: string
  readonly kind: 'file' | 'other'
}

/** Everything below a directory that is no directory, in the order of the file system. Links are not followed. */
export async function* walk(root: string, below = ''): AsyncGenerator<DirectoryEntry, void, undefined> {
  for await (const entry of await opendir(join(root, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) yield* walk(root, path)
    else yield { path, kind: entry.isFile() ? 'file' : 'other' }
  }
}

/** Opens what was a plain file a moment ago: neither follows a link nor waits at a pipe. */
export async function openPlain(root: string, path: string): Promise<FileHandle> {
  return open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
}

/** Whether a path that the user named is a directory. Throws `usage` where there is nothing to read. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new ImpoundError('usage', `can't read ${path}`, {
      cause,
      hints: ['check the path and its permissions'],
    })
  }
}
