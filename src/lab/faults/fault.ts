/** What goes wrong with one request or stream. Bytes count the payload: of the body, or of exec's stdout and stderr. */
export type FaultEffect = InsteadOfDoing | AfterDoing

/** Nothing is done. */
export type InsteadOfDoing =
  /** The server is gone for so long: every connection is broken, new ones are refused. */
  | { readonly kind: 'refused'; readonly ms: number }
  /** The connection is broken by RST before anything is said. */
  | { readonly kind: 'reset' }
  /** The answer is a Status of this code, or the registry's error. */
  | { readonly kind: 'status'; readonly code: number; readonly retryAfterSeconds?: number }
  /** 401, to this request and to all that come with the same token. */
  | { readonly kind: 'token-expired' }
  /** A proxy's page instead of the server's answer. */
  | { readonly kind: 'html'; readonly code: number }

/** The request is done, and then or meanwhile this happens. */
export type AfterDoing =
  /** The connection is closed before the first byte of the answer. */
  | { readonly kind: 'answer-lost' }
  /** The answer is cut to this many bytes, and says that it is whole. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** This many bytes are missing at the end of an answer that says it is whole; of exec, of its stdout, with its status. */
  | { readonly kind: 'lose-last'; readonly bytes: number }
  /** The Content-Length is wrong by so much; after the body the connection is closed. */
  | { readonly kind: 'wrong-length'; readonly by: number }
  /** The byte at this offset has its lowest bit flipped. */
  | { readonly kind: 'corrupt'; readonly at: number }
  /** The connection is closed after this many bytes of the answer. */
  | { readonly kind: 'drop-after'; readonly bytes: number }
  /** After this many bytes of the answer nothing more comes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly bytes: number }
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** An exec stream: all output, then a proper close without the status frame. Another answer: a close without a status line. */
  | { readonly kind: 'close-without-status' }
  /** A watch: after this many events a 410 in the stream, and its end. */
  | { readonly kind: 'watch-expired'; readonly events: number }
  /** From this request on, the server's clock is off by so much more: Date header, timestamps of what it writes. */
  | { readonly kind: 'clock-jump'; readonly seconds: number }

export type LabServer = 'api' | 'registry'

export interface LabFault {
  /** What it strikes: all that is given must hold. */
  readonly match: {
    /** Either, if not said. */
    readonly server?: LabServer
    readonly method?: string
    /** Against the path with its query, as it was sent. */
    readonly path?: RegExp
    /** After impersonation; the registry knows no users. */
    readonly user?: string
  }
  readonly effect: FaultEffect
  /** Leaves this many matching requests alone first; 0 if not said. */
  readonly after?: number
  /** Strikes this many times; once if not said, Infinity for always. */
  readonly times?: number
}

/** A request as far as faults look at it. */
export interface FaultTarget {
  readonly server: LabServer
  readonly at: string
  readonly method: string
  readonly path: string
  readonly user: string
  readonly auditId: string
}

/** One strike of a fault, as its log has it. */
export interface FaultFiring extends FaultTarget {
  readonly fault: LabFault
  /** Why it came to nothing, where it did: the answer was shorter than the fault's bytes, was no watch, … */
  readonly missed?: string
}

/** A fault that did less than its declaration says. */
export interface UnfiredFault {
  readonly fault: LabFault
  /** Strikes that had their effect. */
  readonly fired: number
  readonly why: string
}

/** A fault at work on one request. */
export interface Strike {
  readonly effect: FaultEffect
  /** Says that the effect could not be had on this request, which then goes on as if there were no fault. */
  missed(why: string): void
}
