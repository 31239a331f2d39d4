import { ImpoundError } from '../model/errors.js'
import { type CountedReason, REASON_OF } from '../model/evidence.js'
import type { CaptureEnd } from './exec-capture.js'
import type { TreeEnd } from './read-tree.js'

export type Completeness =
  | { readonly complete: true }
  | { readonly complete: false; readonly reason: CountedReason; readonly why: string }

/**
 * Whether a capture is all of it. That takes the tar's end mark, the far end's own count and digest, and exit status 0: an
 * exec can lose the end of its output and still end with 0 (kubernetes#124571).
 */
export function completenessOf(tree: TreeEnd, end: CaptureEnd): Completeness {
  const { trailer } = end.report
  const missing = (reason: CountedReason, why: string): Completeness => ({ complete: false, reason, why })
  if (end.failure !== undefined) return missing(REASON_OF[end.failure.code], end.failure.message)
  if (tree.failure !== undefined) return missing(REASON_OF[tree.failure.code], tree.failure.message)
  if (trailer === undefined)
    return missing('cut', 'the container did not say how much it sent: its last line is missing')
  if (trailer.tar !== 0) return missing('target-refused', complaint(trailer.tar, end.report.complaints))
  if (trailer.bytes === undefined || trailer.sha256 === undefined)
    return missing('unsupported', 'the container has no tee, sha256sum and wc to count what it sends')
  if (trailer.bytes !== end.bytes)
    return missing('cut', `the container sent ${trailer.bytes} bytes, ${end.bytes} arrived`)
  if (trailer.sha256 !== end.sha256)
    return missing('failed', 'what arrived has not the digest that the container computed')
  if (end.exitCode !== 0)
    return missing('target-refused', `the capture ended with exit status ${end.exitCode ?? 'unknown'}`)
  return { complete: true }
}

function complaint(status: number, complaints: readonly string[]): string {
  const first = complaints.find((line) => line.trim() !== '')?.slice(0, 200)
  const rest = complaints.length > 1 ? ` (and ${complaints.length - 1} lines more)` : ''
  const words = first === undefined ? '' : `: ${Buffer.from(first, 'latin1').toString('utf8')}${rest}`
  return `the container's tar ended with status ${status}${words}`
}

/** The error that has to travel on after what came was kept: an interrupt. */
export function interruption(
  end: Pick<CaptureEnd, 'failure'>,
  signal: AbortSignal,
): ImpoundError | undefined {
  if (!signal.aborted) return undefined
  return end.failure?.code === 'aborted'
    ? end.failure
    : new ImpoundError('aborted', 'interrupted while a filesystem was read', { cause: signal.reason })
}
