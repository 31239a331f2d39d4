import { ImpoundError } from '../model/errors.js'

export interface Interrupts {
  /** Aborts at the first Ctrl-C (SIGINT), SIGTERM or SIGHUP. */
  readonly collecting: AbortSignal
  /** Aborts at the second. */
  readonly everything: AbortSignal
  stop(): void
}

/** What the first Ctrl-C means once a spool is open. */
export const SEALING = 'sealing what was collected; once more to stop at once'

/**
 * Turns signals of the operating system into abort signals. `meaning` says what the first one leads to at that moment, if
 * more than an end. The third Ctrl-C ends the process as it would without us.
 */
export function listenForInterrupts(
  say: (line: string) => void,
  meaning: () => string | undefined = () => undefined,
): Interrupts {
  const collecting = new AbortController()
  const everything = new AbortController()
  const onSignal = (): void => {
    if (!collecting.signal.aborted) {
      const leads = meaning()
      say(leads === undefined ? 'interrupted' : `interrupted: ${leads}`)
      collecting.abort(new ImpoundError('aborted', 'interrupted'))
    } else {
      everything.abort(new ImpoundError('aborted', 'interrupted twice'))
      stop()
    }
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const stop = (): void => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  for (const signal of signals) process.on(signal, onSignal)
  return { collecting: collecting.signal, everything: everything.signal, stop }
}
