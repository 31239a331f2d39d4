import { verifyArchive, type VerifyReport } from '../evidence/verify.js'
import { EXIT, type ExitStatus } from '../model/exit.js'

export type { VerifyReport } from '../evidence/verify.js'

/** Checks an archive and says the exit status of what was found. Throws not-found, storage, too-big. */
export async function verify(
  archive: string,
  signal: AbortSignal,
): Promise<{ readonly report: VerifyReport; readonly exitStatus: ExitStatus }> {
  const report = await verifyArchive(archive, { signal })
  return { report, exitStatus: report.ok ? EXIT.done : EXIT.integrity }
}
