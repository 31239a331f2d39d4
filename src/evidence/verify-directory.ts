import { constants } from 'node:fs'
import { open, opendir } from 'node:fs/promises'
import { join } from 'node:path'

import { messageOf } from '../model/errors.js'
import { isOwnName } from './names.js'
import { fileBytes, HashedBytes } from './read-hashed.js'
import { MAX_FILES, type BagCheck } from './verify-bag.js'
import type { Findings } from './verify-report.js'

/** Feeds every file of an unpacked bag to the bag check. Links are not followed: they are reported. */
export async function checkDirectory(
  directory: string,
  bag: BagCheck,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  findings.skip('sha256-file', 'a directory')
  findings.skip('gzip', 'a directory')
  findings.skip('tar', 'a directory')
  let files = 0
  for await (const { path, kind } of entries(directory, '')) {
    files += 1
    if (files > MAX_FILES) {
      findings.problem('members', `more than ${MAX_FILES} files`)
      break
    }
    if (kind === 'other') findings.problem('members', 'it is no plain file', path)
    else if (!path.split('/').every(isOwnName)) {
      findings.problem('members', 'its name has characters that we never use', path)
    } else await checkFile(join(directory, path), path, bag, findings, signal)
  }
  findings.detail('members', `${files} plain files`)
}

async function checkFile(
  file: string,
  path: string,
  bag: BagCheck,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      await bag.file(path, new HashedBytes(fileBytes(handle, signal)))
    } finally {
      await handle.close()
    }
  } catch (error) {
    signal.throwIfAborted()
    findings.problem('members', `can't be read: ${messageOf(error)}`, path)
  }
}

interface Entry {
  readonly path: string
  readonly kind: 'file' | 'other'
}

async function* entries(root: string, below: string): AsyncGenerator<Entry, void, undefined> {
  for await (const entry of await opendir(join(root, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    if (entry.isDirectory()) yield* entries(root, path)
    else yield { path, kind: entry.isFile() ? 'file' : 'other' }
  }
}
