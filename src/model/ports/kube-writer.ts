import type { WriteIntent, WriteOutcome } from '../acquisition.js'
import type { ApiPath } from '../api-path.js'
import type { Json } from '../json.js'
import type { RawResponse } from './kube-reader.js'

/** Where KubeWriter puts what it is about to do and what came of it. `intent` resolves once the line is on disk. */
export interface Journal {
  intent(intent: WriteIntent): Promise<void>
  result(outcome: WriteOutcome): Promise<void>
}

export type JsonPatch = readonly (
  | { readonly op: 'test' | 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string }
)[]

export interface WriteOptions {
  readonly signal: AbortSignal
  readonly action: string
  readonly step: string
  readonly target?: { readonly namespace: string; readonly name: string; readonly uid: string }
  /** What undo needs to know of the state before. */
  readonly prior?: Json
  /** Ask the server to check and admit, and to store nothing (dryRun=All). Not journalled: it changes nothing. */
  readonly dryRun?: boolean
}

/**
 * Writes to the Kubernetes API. Each write that is no dry run is journalled: intent before it is sent, result after.
 * Never retried by itself: after a lost answer the caller reads and decides. Throws as KubeReader does, and
 * `conflict` for 409 and for a failed JSON Patch test (422), `invalid` for other 400 and 422.
 */
export interface KubeWriter {
  create(path: ApiPath, body: Json, options: WriteOptions): Promise<RawResponse>
  /** JSON Patch (RFC 6902), always with the content type said. */
  patch(path: ApiPath, patch: JsonPatch, options: WriteOptions): Promise<RawResponse>
  /** With `uid` as precondition: another object of that name is left alone (throws `conflict`). */
  delete(path: ApiPath, options: WriteOptions & { readonly uid?: string }): Promise<RawResponse>
}
