import { ImpoundError, isCode } from '../model/errors.js'
import type { RunContext } from '../model/ports/run-context.js'

const TRIES = 5
const PAUSE_MS = 200

/** Nothing left to do, or the write that does it. */
export type Look = 'done' | { readonly write: () => Promise<unknown> }

/**
 * Brings one thing about. `look` reads how it stands; a write that met somebody else's (conflict) or whose answer was
 * lost is followed by another look, so nothing is done twice. At most five writes. What `look` throws, and a write that
 * the server refuses, goes to the caller.
 */
export async function converge(run: RunContext, look: () => Promise<Look>): Promise<void> {
  let last: ImpoundError | undefined
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const found = await look()
    if (found === 'done') return
    try {
      await found.write()
      return
    } catch (error) {
      if (!isCode(error, 'conflict', 'unreachable', 'timeout', 'cut', 'stalled', 'server', 'throttled')) {
        throw error
      }
      last = error
      await run.clock.sleep(PAUSE_MS * attempt, run.signal)
    }
  }
  if ((await look()) === 'done') return
  throw last ?? new ImpoundError('bug', 'gave up without a reason')
}
