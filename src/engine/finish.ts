import type { Spool } from '../evidence/index.js'
import type { LedgerRow, Status } from '../model/evidence.js'
import { messageOf } from '../model/errors.js'
import type { NodePodResult } from '../model/node-pod-plan.js'
import { EXIT } from '../model/exit.js'
import type { RunContext } from '../model/ports/run-context.js'
import { readWrites } from './case-report.js'
import {
  archiveCauses,
  containmentCauses,
  evidenceCauses,
  faultCause,
  judge,
  killCauses,
  nodePodCauses,
  type Cause,
} from './judgement.js'
import { killTargets } from './kill.js'
import type { PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import type { ArchiveResult, KillResult, RunResult, TargetResult } from './result.js'
import { sealAndVerify } from './seal-run.js'

export interface Ending {
  readonly prepared: PreparedRun
  readonly spool: Spool
  readonly results: readonly TargetResult[]
  readonly nodePods: readonly NodePodResult[]
  readonly run: RunContext
  readonly interrupted: boolean
  /** What ended the run early, if anything did. */
  readonly fault: unknown
  readonly progress: Progress
}

/** Seals what there is and judges the run. Never throws: a failure to seal is part of the result, which names the spool. */
export async function finish(ending: Ending): Promise<RunResult> {
  const { prepared, spool, run, interrupted, fault } = ending
  const incomplete = interrupted ? 'interrupted' : fault === undefined ? undefined : messageOf(fault)
  const { requestCount } = prepared.kube.reader.facts
  const causes: Cause[] = []
  if (fault !== undefined) causes.push(faultCause(fault))
  const startedAt = prepared.startedAt.toISOString()
  let archive: ArchiveResult | undefined
  let changes = 0
  try {
    if (incomplete !== undefined) await spool.log.append({ type: 'interrupted', by: incomplete })
    await announceKills(prepared, spool)
    const writes = await readWrites(spool)
    changes = writes.filter(({ outcome }) => outcome?.status === undefined || outcome.status < 400).length
    const facts = {
      startedAt,
      requestCount: requestCount(),
      ...(incomplete === undefined ? {} : { incomplete }),
    }
    archive = await sealAndVerify(spool, facts, run, ending.progress)
  } catch (error) {
    causes.push(faultCause(error))
  }
  const kills = await killTargets(prepared, archive, run, ending.progress)
  if (interrupted) {
    const kept = archive === undefined ? 'lies in the spool, not sealed' : 'is sealed'
    causes.unshift({ status: EXIT.interrupted, because: `interrupted; what was collected by then ${kept}` })
  }
  const results = [...ending.results]
    .map((result) => withKill(result, kills.get(result.uid)))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const ledger = spool.ledger()
  causes.push(
    ...results.flatMap(containmentCauses),
    ...results.flatMap(killCauses),
    ...archiveCauses(archive),
    ...nodePodCauses(ending.nodePods),
    ...evidenceCauses(ledger),
  )
  return {
    schema: 'impound/result/v1',
    command: prepared.request.command,
    case: prepared.plan.case,
    ...judge(causes),
    startedAt,
    endedAt: run.clock.now().toISOString(),
    targets: results,
    evidence: countEvidence(ledger),
    ...(archive === undefined ? { spool: spool.directory } : { archive }),
    nodePods: ending.nodePods,
    footprint: { requests: requestCount(), changes: changes + deletedOf(kills) },
  }
}

/** What comes after the archive can't be in it: that it is to come can. */
async function announceKills(prepared: PreparedRun, spool: Spool): Promise<void> {
  for (const { namespace, name, uid, kill } of prepared.plan.targets) {
    if (kill === undefined) continue
    const text = `once this archive is sealed and verified, pod ${namespace}/${name} (uid ${uid}) is to be deleted: --kill`
    await spool.log.append({ type: 'remark', text })
  }
}

function deletedOf(kills: ReadonlyMap<string, KillResult>): number {
  return [...kills.values()].filter(({ state }) => state === 'gone' || state === 'being-deleted').length
}

function withKill(result: TargetResult, kill: KillResult | undefined): TargetResult {
  return kill === undefined ? result : { ...result, kill }
}

function countEvidence(ledger: readonly LedgerRow[]): {
  readonly counts: Readonly<Record<Status, number>>
  readonly missing: readonly LedgerRow[]
} {
  const counts = { collected: 0, partial: 0, skipped: 0, failed: 0 }
  for (const { status } of ledger) counts[status] += 1
  return { counts, missing: ledger.filter(({ status }) => status !== 'collected') }
}
