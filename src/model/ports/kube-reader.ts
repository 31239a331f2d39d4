import type { AccessRule, ApiPath } from '../api-path.js'

/** One answer of the API server, byte for byte. */
export interface RawResponse {
  readonly method: string
  /** URL path with query, as sent. */
  readonly path: string
  /** The Audit-ID that we sent. */
  readonly auditId: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** RFC 3339, milliseconds, local clock. */
  readonly startedAt: string
  readonly endedAt: string
}

export interface ReadOptions {
  readonly signal: AbortSignal
  readonly query?: Readonly<Record<string, string>>
  /** Default application/json. */
  readonly accept?: string
}

/** A resource that the server serves, by discovery. */
export interface ServedResource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Whether this is the version that the server prefers for the group. */
  readonly preferred: boolean
}

export interface AccessAnswer {
  readonly rule: AccessRule
  readonly allowed: boolean
  /** The server's words; may be empty. */
  readonly why: string
}

export interface Identity {
  readonly user: string
  readonly groups: readonly string[]
}

export interface ServerFacts {
  readonly context: string
  readonly namespace: string
  /** URL without credentials. */
  readonly url: string
  readonly impersonating: string | undefined
  /** SHA-256 (hex) of each certificate shown, leaf first; empty before the first request. */
  readonly tlsChainSha256: () => readonly string[]
  /** [server minus local] in ms for each response seen, ± 500 ms + round trip; from Date headers. */
  readonly clockSamples: () => readonly { readonly min: number; readonly max: number }[]
  /** Requests sent so far, of any kind: the footprint in the audit log. */
  readonly requestCount: () => number
}

/**
 * Reads from the Kubernetes API: raw bodies, retried where that is safe (429 with Retry-After, connection failures,
 * 5xx), each with a deadline. Throws ImpoundError with the code that fits the Status object or the transport:
 * forbidden, unauthorized, not-found, gone, throttled, server, unreachable, timeout, aborted, too-big.
 */
export interface KubeReader {
  readonly facts: ServerFacts
  get(path: ApiPath | string, options: ReadOptions): Promise<RawResponse>
  /** A list, a page at a time (limit 500). An expired continue token throws `gone` after the pages before it. */
  list(path: ApiPath | string, options: ReadOptions): AsyncIterable<RawResponse>
  /** What the server serves; asked once and kept. Groups that fail to answer are left out and named. */
  discover(
    signal: AbortSignal,
  ): Promise<{ readonly resources: readonly ServedResource[]; readonly failedGroups: readonly string[] }>
  /** SelfSubjectAccessReview. A create, but it changes nothing. */
  canI(rule: AccessRule, signal: AbortSignal): Promise<AccessAnswer>
  /** SelfSubjectReview in the newest version served; undefined where the server has none (before 1.26). */
  whoAmI(signal: AbortSignal): Promise<Identity | undefined>
}
