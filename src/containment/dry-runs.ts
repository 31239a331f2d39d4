import { ImpoundError, type ErrorCode } from '../model/errors.js'
import type { QuarantinePlan, Refusal } from '../model/quarantine-plan.js'
import type { ApplyStep } from './writes.js'

type DryRun = QuarantinePlan['dryRuns'][number]

export interface Trial {
  readonly step: ApplyStep
  readonly send: () => Promise<unknown>
}

/** What says nothing about the write. */
const HARD: ReadonlySet<ErrorCode> = new Set(['aborted', 'bug', 'storage'])

/**
 * Tries writes with dryRun=All. A write that the server would refuse is a refusal, unless it is for a right that is
 * missing anyway or for an admission webhook that can't do dry runs.
 */
export async function tryWrites(
  trials: readonly Trial[],
  rightsMissing: boolean,
): Promise<{ readonly dryRuns: readonly DryRun[]; readonly refusals: readonly Refusal[] }> {
  const dryRuns: DryRun[] = []
  const refusals: Refusal[] = []
  for (const { step, send } of trials) {
    try {
      await send()
      dryRuns.push({ step, ok: true, detail: 'accepted' })
    } catch (error) {
      if (!(error instanceof ImpoundError) || HARD.has(error.code)) throw error
      dryRuns.push({ step, ok: false, detail: error.message })
      const refused = (error.code === 'forbidden' || error.code === 'invalid') && !rightsMissing
      // source: k8s.io/apiserver, webhookerrors.NewDryRunUnsupportedErr
      if (refused && !error.message.includes('does not support dry run')) {
        refusals.push({
          code: 'admission',
          message: `the API server would refuse step ${step}: ${error.message}`,
        })
      }
    }
  }
  return { dryRuns, refusals }
}
