import type { LedgerRow, Phase } from '../model/evidence.js'

/** What happens in a run, as it happens: for the progress lines and for --json-lines. */
export type ProgressEvent =
  | {
      readonly type: 'phase'
      readonly phase: Phase | 'contain' | 'seal' | 'verify' | 'kill'
      readonly target?: string
    }
  | {
      readonly type: 'bytes'
      readonly target: string
      readonly collector: string
      readonly subject: string
      readonly bytes: number
    }
  | {
      readonly type: 'collector'
      readonly target: string
      readonly collector: string
      readonly rows: readonly LedgerRow[]
    }
  | { readonly type: 'contained'; readonly target: string; readonly afterMs: number }
  | { readonly type: 'notice'; readonly text: string }

export type Progress = (event: ProgressEvent) => void
