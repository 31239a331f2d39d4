import { openState } from '../evidence/index.js'
import type { KubeConnection } from '../kube/connect.js'
import { podPath } from '../model/api-path.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { at } from '../model/json.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Target } from '../model/target.js'
import type { KillPlan } from './plan.js'
import { sendKill } from './plan-kill.js'
import type { PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import { UNKNOWN_CLUSTER } from './release-source.js'
import type { ArchiveResult, KillResult } from './result.js'
import { stateDirectory } from './system.js'

/** Past the grace period, and at most so long altogether. */
const SLACK_MS = 10_000
const LONGEST_WAIT_MS = 60_000
const POLL_MS = 500

/**
 * Deletes each pod that the plan says, by its UID, after the archive: where that does not verify or was cut short by an interruption, nothing is deleted;
 * evidence that failed does not stop it. The journal is the state file's, since the archive's log is closed. Never throws: what came of it is the result.
 */
export async function killTargets(
  prepared: PreparedRun,
  archive: ArchiveResult | undefined,
  run: RunContext,
  progress: Progress,
): Promise<ReadonlyMap<string, KillResult>> {
  const results = new Map<string, KillResult>()
  const against = whyNot(archive, run)
  for (const target of prepared.targets) {
    const plan = prepared.plan.targets.find(({ uid }) => uid === target.uid)?.kill
    if (plan === undefined) continue
    if (against === undefined) {
      progress({ type: 'phase', phase: 'kill', target: `${target.namespace}/${target.name}` })
      results.set(target.uid, await kill(prepared, target, plan, run))
    } else results.set(target.uid, { state: 'not-done', why: against })
  }
  return results
}

function whyNot(archive: ArchiveResult | undefined, run: RunContext): string | undefined {
  if (archive === undefined) return 'there is no archive: the pod is all there is'
  if (!archive.verified) return 'the archive does not verify: the pod is the better evidence'
  if (archive.incomplete) return 'the archive is incomplete: the pod may still have what is missing'
  return run.signal.aborted ? 'the run was interrupted' : undefined
}

async function kill(
  prepared: PreparedRun,
  target: Target,
  plan: KillPlan,
  run: RunContext,
): Promise<KillResult> {
  try {
    const cluster = prepared.scene.where.clusterUid ?? UNKNOWN_CLUSTER
    const state = await openState(stateDirectory(), cluster, target.uid)
    try {
      await sendKill(target, prepared.kube, state.journal, run, false)
    } finally {
      await state.close()
    }
  } catch (error) {
    const gone = isCode(error, 'not-found', 'conflict') && (await isGone(target, prepared.kube, run))
    return gone
      ? { state: 'gone', why: 'somebody else deleted it' }
      : {
          state: 'failed',
          why: messageOf(error),
          code: error instanceof ImpoundError ? error.code : 'bug',
        }
  }
  const until = run.clock.monotonic() + Math.min(plan.graceSeconds * 1000 + SLACK_MS, LONGEST_WAIT_MS)
  try {
    while (run.clock.monotonic() < until) {
      if (await isGone(target, prepared.kube, run)) return { state: 'gone' }
      await run.clock.sleep(POLL_MS, run.signal)
    }
  } catch (error) {
    return { state: 'being-deleted', why: messageOf(error) }
  }
  return { state: 'being-deleted', why: 'it is deleted, and still ends' }
}

async function isGone(
  { namespace, name, uid }: Target,
  kube: KubeConnection,
  run: RunContext,
): Promise<boolean> {
  try {
    const { body } = await kube.reader.get(podPath(namespace, name), { signal: run.signal })
    return at(JSON.parse(body.toString('utf8')), 'metadata', 'uid') !== uid
  } catch (error) {
    if (isCode(error, 'not-found')) return true
    throw error
  }
}
