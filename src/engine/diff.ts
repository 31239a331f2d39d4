import { stat } from 'node:fs/promises'

import type { ComparisonDocument } from '../model/filesystem-documents.js'
import { ImpoundError } from '../model/errors.js'
import { EXIT, type ExitStatus } from '../model/exit.js'
import { diffCaptures } from './diff-captures.js'
import { diffImages } from './diff-images.js'
import { isImpoundArchive } from './diff-side.js'
import type { DiffRequest } from './diff-request.js'
import type { Progress } from './progress.js'

export interface DiffResult {
  readonly document: ComparisonDocument
  readonly exitStatus: ExitStatus
}

/**
 * Compares two images, or what two archives captured of two containers. Throws `usage` for one of each, `integrity` for an
 * archive that does not verify, and what the registry throws.
 */
export async function diff(
  request: DiffRequest,
  signal: AbortSignal,
  progress: Progress,
): Promise<DiffResult> {
  const captures = await Promise.all([isCapture(request.a), isCapture(request.b)])
  if (captures[0] !== captures[1]) {
    throw new ImpoundError('usage', 'an image and a capture are not compared', {
      hints: [
        'a capture holds what changed against its image: impound inspect, or its report, tells',
        'give two images, or two archives of impound',
      ],
    })
  }
  const document = captures[0]
    ? await diffCaptures(request, signal)
    : await diffImages(request, signal, progress)
  return { document, exitStatus: document.complete ? EXIT.done : EXIT.incomplete }
}

async function isCapture(given: string): Promise<boolean> {
  const facts = await stat(given).catch(() => undefined)
  return facts !== undefined && (await isImpoundArchive(given, facts.isDirectory()))
}
