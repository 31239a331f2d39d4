import { readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'

import { ImpoundError } from '../model/errors.js'

/**
 * Which process writes a spool: `<spool>.owner` beside it, while the run lasts. Sealing a spool that is still written to would
 * break its log.
 */
export async function claimSpool(directory: string): Promise<() => Promise<void>> {
  const path = `${directory}.owner`
  await writeFile(path, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: 0o600 })
  return () => rm(path, { force: true })
}

/** Throws `refused` while the process that claimed the spool lives; what a killed run left is no claim. */
export async function refuseLiveSpool(directory: string): Promise<void> {
  const owner = await readOwner(directory)
  // a process on another machine, over a shared folder, counts as alive
  if (owner === undefined || isAlive(owner) === false) return
  throw new ImpoundError(
    'refused',
    `${directory} is still being written, by process ${owner.pid} on ${owner.host}`,
    {
      hints: [
        'wait for that run to end, or end it with Ctrl-C: it then seals by itself',
        `if it is long dead: rm ${directory}.owner`,
      ],
    },
  )
}

interface Owner {
  readonly pid: number
  readonly host: string
}

async function readOwner(directory: string): Promise<Owner | undefined> {
  try {
    const { pid, host } = JSON.parse(await readFile(`${directory}.owner`, 'utf8')) as Partial<Owner>
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined
  } catch {
    return undefined // none, or torn by the crash that ended its run
  }
}

/** Whether a process lives; undefined of another machine's, which can't be asked. */
export function isAlive({ pid, host }: Owner): boolean | undefined {
  if (host !== hostname()) return undefined
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
