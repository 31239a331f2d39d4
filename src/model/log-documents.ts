import type { Reason } from './evidence.js'

/** What was kept of logs, and what of them is missing. All strings may be hostile. */

/** logs.json: what each log covers. */
export interface LogsDocument {
  readonly schema: 'impound/logs/v1'
  readonly logs: readonly {
    readonly container: string
    /** 'previous-2': of the run that the second restart ended, while logs were read. */
    readonly run: 'current' | 'previous' | `previous-${number}`
    readonly path: string
    readonly bytes: number
    readonly lines: number
    /** The times that the kubelet put before the first and the last line. */
    readonly firstLineAt?: string
    readonly lastLineAt?: string
    readonly containerStartedAt?: string
    readonly endsWithNewline: boolean
    /** The API server could not check the kubelet's certificate and was asked not to. */
    readonly kubeletCertificateUnverified: boolean
  }[]
  /** Whether log files that the kubelet rotated away could be seen. */
  readonly olderFiles: 'not visible through the API' | 'read from the node' | 'not read from the node'
  /** The files on the node, oldest first; empty where the node was not asked. */
  readonly files: readonly LogFile[]
  readonly gaps: readonly LogGap[]
}

/** A log file as it lay on the node. */
export interface LogFile {
  readonly container: string
  /** Below the pod's log directory. */
  readonly name: string
  /** In the archive; absent where nothing was kept. */
  readonly path?: string
  /** The kubelet's restart count when it was begun; absent where the name is none of the kubelet's. */
  readonly run?: number
  /** When it was rotated, as its name says: digits of the node's local time. */
  readonly rotated?: string
  readonly compressed?: boolean
  /** As stored. */
  readonly bytes: number
  readonly mtime?: string
  readonly kept: 'whole' | 'cut' | 'no'
  /** Why it was not kept. */
  readonly why?: string
  readonly reason?: Reason
  /** Why it could not be inflated to its end. */
  readonly unreadable?: string
  /** What its lines say; of a compressed file as far as it could be inflated. */
  readonly covers?: CriLogFacts
}

/** What a log file in the format of the CRI covers. Times as they stand in it. */
export interface CriLogFacts {
  /** Whether most of its lines are in that format; false: the rest says nothing. */
  readonly isCri: boolean
  /** Inflated. */
  readonly bytes: number
  readonly lines: number
  /** Lines that are not in the format. */
  readonly malformed: number
  /** Lines with an earlier time than the line before them. */
  readonly outOfOrder: number
  readonly firstAt?: string
  readonly lastAt?: string
  readonly endsWithNewline: boolean
  /** Whether its last line is a piece (tag P) of which the rest is missing. */
  readonly endsWithPiece: boolean
}

/** Lines that were written, or may have been, and are not in the archive. Silence alone is none: a quiet program leaves the same files. */
export interface LogGap {
  readonly container: string
  readonly kind: 'rotated-away' | 'runs-gone' | 'vanished' | 'left-out' | 'cut'
  /** 'inferred': other explanations remain, and `why` names them. */
  readonly certainty: 'known' | 'inferred'
  /** Restart counts, first and last. */
  readonly runs?: readonly [number, number]
  readonly from?: string
  readonly to?: string
  readonly why: string
}
