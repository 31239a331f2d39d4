import type { ApiPath } from '../api-path.js'

export interface WatchOptions {
  readonly signal: AbortSignal
  readonly query?: Readonly<Record<string, string>>
  /** Of the list whose changes are waited for. */
  readonly resourceVersion: string
}

/**
 * Waits for a list to change. What has changed it does not say: a caller reads the list anew, so that an event that got lost
 * costs nothing but time.
 */
export interface KubeWatch {
  /**
   * `changed` at the first change after the resourceVersion, also where the server does not know that version any more; `ended` where
   * the server ends the watch before. Throws forbidden, unreachable, aborted, and what KubeReader throws.
   */
  changed(path: ApiPath, options: WatchOptions): Promise<'changed' | 'ended'>
}
