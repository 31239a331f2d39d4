/** What goes wrong with one request or stream. Bytes count the payload: of the body, or of exec's stdout and stderr. */
export type FaultEffect =
  /** The connection is closed before anything is done or said. */
  | { readonly kind: 'reset' }
  /** Nothing is done; the answer is a Status of this code. */
  | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds?: number }
  /** Nothing is done; a proxy's page instead of the API server's answer. */
  | { readonly kind: 'html'; readonly code: number }
  /** It is done; the answer is cut to this many bytes, and says that it is whole. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** It is done; the connection is closed after this many bytes of the answer. */
  | { readonly kind: 'drop-after'; readonly bytes: number }
  /** It is done; after this many bytes of the answer nothing more comes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly bytes: number }
  /** It is done; the connection is closed before the first byte of the answer. */
  | { readonly kind: 'answer-lost' }
  /** An exec stream: all output, then a proper close without the status frame. */
  | { readonly kind: 'close-without-status' }

export interface LabFault {
  readonly match: {
    readonly method?: string
    /** Against the path with its query, as it was sent. */
    readonly path?: RegExp
    readonly user?: string
  }
  readonly effect: FaultEffect
  /** Leaves this many matching requests alone first; 0 if not said. */
  readonly after?: number
  /** Strikes this many times; once if not said. */
  readonly times?: number
}

/** The faults that lie in wait, in the order in which they were laid; the first that matches strikes. */
export class Faults {
  readonly #waiting: { readonly fault: LabFault; after: number; times: number }[] = []

  /** Returns the way to take it back. */
  add(fault: LabFault): () => void {
    const entry = { fault, after: fault.after ?? 0, times: fault.times ?? 1 }
    this.#waiting.push(entry)
    return () => {
      entry.times = 0
    }
  }

  clear(): void {
    this.#waiting.length = 0
  }

  /** The fault for a request that just came in, used up by this call. */
  strike(request: {
    readonly method: string
    readonly path: string
    readonly user: string
  }): FaultEffect | undefined {
    for (const entry of this.#waiting) {
      if (entry.times <= 0 || !matches(entry.fault.match, request)) continue
      if (entry.after > 0) {
        entry.after -= 1
        continue
      }
      entry.times -= 1
      return entry.fault.effect
    }
    return undefined
  }
}

function matches(
  match: LabFault['match'],
  request: { readonly method: string; readonly path: string; readonly user: string },
): boolean {
  return (
    (match.method === undefined || match.method === request.method) &&
    (match.path === undefined || match.path.test(request.path)) &&
    (match.user === undefined || match.user === request.user)
  )
}
