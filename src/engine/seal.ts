import { resolve } from 'node:path'

import { reopenSpool } from '../evidence/index.js'
import type { ExitStatus } from '../model/exit.js'
import type { RunContext } from '../model/ports/run-context.js'
import { archiveCauses, evidenceCauses, judge } from './judgement.js'
import type { Progress } from './progress.js'
import type { ArchiveResult } from './result.js'
import { sealAndVerify } from './seal-run.js'
import { claimSpool, refuseLiveSpool } from './spool-owner.js'

/** What came of sealing a spool that was left behind. */
export interface SealResult {
  readonly schema: 'impound/seal/v1'
  readonly exitStatus: ExitStatus
  readonly because: readonly string[]
  readonly archive: ArchiveResult
  /** What was found wrong with the spool, a line each. */
  readonly remarks: readonly string[]
}

/** Makes the archive of an interrupted run's spool. Throws usage where the folder is none, integrity, storage. */
export async function sealSpoolAt(folder: string, run: RunContext, progress: Progress): Promise<SealResult> {
  await refuseLiveSpool(resolve(folder))
  const { spool, incomplete, remarks } = await reopenSpool(folder, run.clock)
  const disclaim = await claimSpool(spool.directory)
  const facts = { startedAt: spool.scene.clock.local, ...(incomplete === undefined ? {} : { incomplete }) }
  try {
    const archive = await sealAndVerify(spool, facts, run, progress)
    const causes = [...archiveCauses(archive), ...evidenceCauses(spool.ledger())]
    return { schema: 'impound/seal/v1', ...judge(causes), archive, remarks }
  } finally {
    await disclaim()
  }
}
