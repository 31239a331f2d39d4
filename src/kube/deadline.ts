/** A signal that aborts with its parent or when time is up. */
export interface Deadline {
  readonly signal: AbortSignal
  readonly expired: () => boolean
  /** Removes timer and listener; call it whatever happened. */
  readonly clear: () => void
}

/** Starts now; `ms` is real time, because what it bounds are real sockets. */
export function deadline(ms: number, parent: AbortSignal): Deadline {
  const controller = new AbortController()
  let expired = false
  const onAbort = (): void => controller.abort(parent.reason)
  const timer = setTimeout(() => {
    expired = true
    controller.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError'))
  }, ms)
  parent.addEventListener('abort', onAbort, { once: true })
  if (parent.aborted) onAbort()
  return {
    signal: controller.signal,
    expired: () => expired,
    clear: () => {
      clearTimeout(timer)
      parent.removeEventListener('abort', onAbort)
    },
  }
}

/**
 * What `work` gives, or the signal's reason as soon as it aborts. For work that can't be told to stop: its result is
 * dropped then.
 */
export async function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => {
    reject(signal.reason as Error)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    work.catch(() => undefined)
  }
}
