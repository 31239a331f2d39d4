import { messageOf } from '../model/errors.js'
import { isOwnName } from './names.js'
import { openPlain, walk } from './read-directory.js'
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
  for await (const { path, kind } of walk(directory)) {
    files += 1
    if (files > MAX_FILES) {
      findings.problem('members', `more than ${MAX_FILES} files`)
      break
    }
    if (kind === 'other') findings.problem('members', 'it is no plain file', path)
    else if (!path.split('/').every(isOwnName)) {
      findings.problem('members', 'its name has characters that we never use', path)
    } else await checkFile(directory, path, bag, findings, signal)
  }
  findings.detail('members', `${files} plain files`)
}

async function checkFile(
  directory: string,
  path: string,
  bag: BagCheck,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  try {
    const handle = await openPlain(directory, path)
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
