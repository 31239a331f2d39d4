import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

import { ImpoundError, isCode, messageOf } from '../../model/errors.js'
import type { Registry } from '../../model/ports/registry.js'
import type { RunContext } from '../../model/ports/run-context.js'
import type { PreflightRow, PreflightState } from '../../model/preflight.js'
import { containersOf, type Target } from '../../model/target.js'
import { formatBytes } from '../../text/bytes.js'
import { freeBytes } from '../prepare.js'

/** Programs that nothing of a run needs; with them one checks an archive by hand, and does what next steps say. */
const TOOLS: readonly (readonly [program: string, what: string])[] = [
  ['tar', 'opens the archive by hand'],
  ['sha256sum', 'checks the archive by hand'],
  ['kubectl', 'runs the commands that plan and report name'],
]
const ROOM = 1 << 30

/** Each registry that the target's images name: whether it may be asked, and whether it answers for one of them. */
export async function registryRows(
  registry: Registry,
  target: Target,
  asked: boolean,
  run: RunContext,
): Promise<readonly PreflightRow[]> {
  const byHost = new Map<string, string>()
  for (const { image } of containersOf(target.pod)) {
    const { host } = registry.allows(image)
    if (!byHost.has(host)) byHost.set(host, image)
  }
  return Promise.all(
    [...byHost].sort().map(async ([host, image]): Promise<PreflightRow> => {
      const [state, why] = await answer(registry, image, run)
      return { area: 'registry', name: host || image, state, asked, why: [why], missingAccess: [] }
    }),
  )
}

async function answer(
  registry: Registry,
  image: string,
  run: RunContext,
): Promise<readonly [PreflightState, string]> {
  const { allowed, why } = registry.allows(image)
  if (!allowed) return ['missing', why]
  try {
    await registry.digestOf(image, run.signal)
    return ['works', `answers for ${image}`]
  } catch (error) {
    if (isCode(error, 'aborted')) throw error
    const said = error instanceof ImpoundError ? [error.message, ...error.hints].join('; ') : messageOf(error)
    return ['missing', said]
  }
}

export async function localRows(path: string | undefined): Promise<readonly PreflightRow[]> {
  const free = await freeBytes(process.cwd())
  const room: PreflightRow = {
    area: 'local',
    name: 'room for the archive',
    state: free === undefined ? 'not-known' : free < ROOM ? 'partial' : 'works',
    asked: false,
    why: [free === undefined ? 'not known' : `${formatBytes(free)} free in this folder`],
    missingAccess: [],
  }
  const tools = await Promise.all(
    TOOLS.map(async ([program, what]): Promise<PreflightRow> => {
      const found = await onPath(program, path)
      return {
        area: 'local',
        name: program,
        state: found ? 'works' : 'missing',
        asked: false,
        why: [found ? what : `not on the PATH; it ${what}`],
        missingAccess: [],
      }
    }),
  )
  return [room, ...tools]
}

async function onPath(program: string, path: string | undefined): Promise<boolean> {
  for (const folder of (path ?? '').split(delimiter).filter((each) => each !== '')) {
    try {
      await access(join(folder, program), constants.X_OK)
      return true
    } catch {
      continue
    }
  }
  return false
}
