import type { RunContext } from '../../model/ports/run-context.js'

/** Between two looks at a pod, ms. */
const POLL_MS = 300

/** Tells whether so long has passed, by the clock, or by the number of times it was asked: once in every `pollMs`. */
export function deadline(
  { clock }: Pick<RunContext, 'clock'>,
  withinMs: number,
  pollMs = POLL_MS,
): () => boolean {
  const until = clock.monotonic() + withinMs
  let left = Math.ceil(withinMs / pollMs)
  return () => {
    left -= 1
    return left < 0 || clock.monotonic() >= until
  }
}

/** Waits between looks; false once so long has passed. Throws `aborted`. */
export function patience(
  { clock, signal }: Pick<RunContext, 'clock' | 'signal'>,
  withinMs: number,
  pollMs = POLL_MS,
): () => Promise<boolean> {
  const isOver = deadline({ clock }, withinMs, pollMs)
  return async () => {
    if (isOver()) return false
    await clock.sleep(pollMs, signal)
    return true
  }
}
