import { prepareRelease, type ReleaseRequest } from '../engine/release.js'
import type { ReleaseResult } from '../engine/result.js'
import { systemContext } from '../engine/system.js'
import { ImpoundError } from '../model/errors.js'
import { EXIT, type ExitStatus } from '../model/exit.js'
import type { ReleasePlan } from '../model/release-plan.js'
import { forTerminal } from '../text/terminal.js'
import { askInTerminal } from './confirm.js'
import { listenForInterrupts } from './interrupts.js'
import { progressView } from './progress-lines.js'
import { releasePlanScreen, releaseScreen } from './release-screen.js'

/** What a release prints: the plan of --dry-run, or what came of it. */
type ReleaseOutcome =
  | ReleaseResult
  | {
      readonly schema: 'impound/release-plans/v1'
      readonly exitStatus: ExitStatus
      readonly plans: readonly ReleasePlan[]
    }

interface ReleaseManners {
  readonly yes: boolean
  readonly dryRun: boolean
  /** What a pod's annotation says may be believed without a person looking at it. */
  readonly trustAnnotation: boolean
}

/** Plans a release, asks, and does it. */
export async function converseRelease(
  request: ReleaseRequest,
  manners: ReleaseManners,
  say: (line: string) => void,
): Promise<{ readonly outcome: ReleaseOutcome; readonly text: string }> {
  if (!manners.yes && !manners.dryRun && !(process.stdin.isTTY && process.stderr.isTTY)) {
    throw new ImpoundError('usage', 'this changes the cluster, and there is no terminal to ask at', {
      hints: ['look at the plan with --dry-run, then confirm it with --yes'],
    })
  }
  const interrupts = listenForInterrupts(say)
  const view = progressView(process.stderr, () => new Date())
  try {
    const prepared = await prepareRelease(request, systemContext(interrupts.collecting), view.progress)
    try {
      const { plans } = prepared
      for (const { name, failure } of prepared.failed) {
        say(forTerminal(`not released: ${name}: ${failure?.message ?? ''}`))
      }
      if (manners.dryRun) {
        return {
          outcome: { schema: 'impound/release-plans/v1', exitStatus: EXIT.done, plans },
          text: releasePlanScreen(plans),
        }
      }
      say(releasePlanScreen(plans).trimEnd())
      await confirm(plans, prepared.fromAnnotation, manners)
      const outcome = await prepared.execute(systemContext(interrupts.everything))
      return { outcome, text: releaseScreen(outcome) }
    } finally {
      await prepared.close()
    }
  } finally {
    view.stop()
    interrupts.stop()
  }
}

async function confirm(
  plans: readonly ReleasePlan[],
  fromAnnotation: boolean,
  manners: ReleaseManners,
): Promise<void> {
  if (manners.yes) {
    if (!fromAnnotation || manners.trustAnnotation) return
    throw new ImpoundError(
      'refused',
      "all that is known is the pod's own annotation, which others may have edited",
      {
        hints: [
          'look at the plan above, then add --trust-annotation',
          "or give the run's archive: --from ARCHIVE",
        ],
      },
    )
  }
  const [only] = plans
  const word = plans.length === 1 && only !== undefined ? only.target.name : String(plans.length)
  const answer = await askInTerminal(
    `Type ${plans.length === 1 ? "the pod's name" : word} to release · anything else quits`,
  )
  if (answer !== word) throw new ImpoundError('refused', 'declined; nothing was changed')
}
