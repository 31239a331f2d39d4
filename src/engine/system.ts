import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { homedir, hostname, release, type, userInfo } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

import { ImpoundError } from '../model/errors.js'
import type { Clock, RunContext } from '../model/ports/run-context.js'
import type { Scene } from '../model/scene.js'
import { SCRIPT_FILES, type Scripts } from '../model/scripts.js'
import { ROOT, toolVersion } from './version.js'

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, { signal })
    } catch (cause) {
      throw new ImpoundError('aborted', 'interrupted', { cause })
    }
  },
}

/** The real world, until the signal aborts. */
export function systemContext(signal: AbortSignal): RunContext {
  return { clock: systemClock, random: randomBytes, signal }
}

/** A file of templates/, as text. */
export async function template(name: string): Promise<string> {
  return readFile(join(ROOT, 'templates', name), 'utf8')
}

/** The text of every script that runs in a container or on a node, as it is sent. */
export async function readScripts(): Promise<Scripts> {
  const texts = Object.entries(SCRIPT_FILES).map(
    async ([name, files]) =>
      [name, (await Promise.all(files.map(template))).map(withoutComments).join('\n')] as const,
  )
  return Object.fromEntries(await Promise.all(texts)) as Scripts
}

/**
 * A script travels in the address of the exec, which stands in the audit log and which proxies bound: what only its readers need
 * stays at home. The first line stays, since it says what the script is.
 */
function withoutComments(script: string): string {
  const [mark = '', ...lines] = script.split('\n')
  return [mark, ...lines.map((line) => line.trimStart()).filter((line) => !/^(?:#|$)/.test(line))].join('\n')
}

/** Where state that outlives a run is kept: $XDG_STATE_HOME/impound, else ~/.local/state/impound. */
export function stateDirectory(): string {
  const given = process.env['XDG_STATE_HOME']
  return join(given?.startsWith('/') === true ? given : join(homedir(), '.local', 'state'), 'impound')
}

/** Where what can be had again is kept: $XDG_CACHE_HOME/impound, else ~/.cache/impound. */
export function cacheDirectory(): string {
  const given = process.env['XDG_CACHE_HOME']
  return join(given?.startsWith('/') === true ? given : join(homedir(), '.cache'), 'impound')
}

/** Flags whose value never reaches the acquisition log. */
const SECRET_FLAGS = new Set(['--token', '--password'])

/** Which program this is: name, version, a digest over what it runs, and how it was called. */
export async function describeTool(argv: readonly string[]): Promise<Scene['tool']> {
  return {
    name: 'impound',
    version: await toolVersion(),
    digest: await programDigest(),
    argv: argv.map((argument, index) => (SECRET_FLAGS.has(argv[index - 1] ?? '') ? '(left out)' : argument)),
    node: process.version,
    os: `${type()} ${release()}`,
  }
}

/** SHA-256 (hex) over path and SHA-256 of each file of the built program and its templates, sorted by path. */
async function programDigest(): Promise<string> {
  const whole = createHash('sha256')
  for (const folder of ['bin', 'dist', 'templates']) {
    const names = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }).catch(() => [])
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    for (const file of files.sort()) {
      const one = createHash('sha256')
      for await (const chunk of createReadStream(file)) one.update(chunk as Buffer)
      whole.update(`${file.slice(ROOT.length)}\0${one.digest('hex')}\n`)
    }
  }
  return whole.digest('hex')
}

/** The person and the machine at which the tool runs. */
export function localIdentity(): { readonly osUser: string; readonly hostname: string } {
  return { osUser: userName(), hostname: hostname() }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}` // no entry in the user database, as in many containers
  }
}

/** Whether systemd-timesyncd or chrony says that this machine's clock is synchronised. */
export async function ntpState(): Promise<Scene['clock']['ntp']> {
  // systemd-timesyncd touches this file when the clock is set; no file says nothing, another daemon may be at work
  const synchronised = await readFile('/run/systemd/timesync/synchronized').then(
    () => true,
    () => false,
  )
  return synchronised ? 'synchronised' : 'unknown'
}
