import { enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Keeps compiled code from one run to the next, below $XDG_CACHE_HOME/impound or ~/.cache/impound: a fifth off the work of
 * a start. Not in Node's own place, which is below /tmp, where another user could put code for us to run. Where it can't
 * be written nothing is kept. NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 turns it off.
 */
export function keepCompiledCode(env: Readonly<Record<string, string | undefined>>): void {
  const given = env['XDG_CACHE_HOME']
  const cache = given?.startsWith('/') === true ? given : join(homedir(), '.cache')
  enableCompileCache(join(cache, 'impound'))
}
