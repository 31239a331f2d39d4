import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import { safeSegment } from '../model/safe-segment.js'

const KEY_BYTES = 32

/**
 * The key under which secrets of a case are replaced: the same secret gives the same token in every run of the case on this
 * machine, and nobody without the key can try guesses. It stays in the state directory, never in an archive. Throws `storage`.
 */
export async function caseKey(
  stateDirectory: string,
  caseName: string,
  random: (bytes: number) => Buffer,
): Promise<Buffer> {
  const folder = join(stateDirectory, 'case-keys')
  const path = join(folder, `${safeSegment(caseName)}.key`)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const known = await readKey(path)
    if (known !== undefined) return known
    const key = random(KEY_BYTES)
    const draft = `${path}.${random(4).toString('hex')}`
    await writeFile(draft, key.toString('hex'), { mode: 0o600, flag: 'wx', flush: true })
    try {
      // whole or not at all, and never over another run's key
      await link(draft, path)
    } finally {
      await rm(draft, { force: true })
    }
    return key
  } catch (cause) {
    // two runs of one case may begin at once: the first to write has made the key
    const winner = await readKey(path).catch(() => undefined)
    if (winner !== undefined) return winner
    throw new ImpoundError('storage', `the key of the case can't be kept in ${path}`, {
      cause,
      hints: ['make that folder writable, or name another with XDG_STATE_HOME'],
    })
  }
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : undefined
}
