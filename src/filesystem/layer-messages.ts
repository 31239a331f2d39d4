import type { ErrorCode } from '../model/errors.js'

/** What the thread that indexes layers is told. */
export type ToWorker =
  | { readonly type: 'begin'; readonly diffId: string; readonly path: string }
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'end' }

/** What it says: a chunk is used up, the index is written, or it won't be. */
export type FromWorker =
  | { readonly type: 'taken' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }
