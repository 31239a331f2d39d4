import { sealSpool, type Spool } from '../evidence/index.js'
import { verifyArchive } from '../evidence/verify.js'
import { isCode, messageOf } from '../model/errors.js'
import type { RunContext } from '../model/ports/run-context.js'
import { buildReport, renderMarkdown, renderNextSteps } from '../report/index.js'
import { reportInput } from './case-report.js'
import type { Progress } from './progress.js'
import type { ArchiveResult } from './result.js'
import { template } from './system.js'

export interface SealFacts {
  readonly startedAt: string
  readonly requestCount?: number
  /** Why the run as a whole is incomplete. */
  readonly incomplete?: string
}

/**
 * Report, seal, read back: what ends every run and takes up every spool. Throws what sealSpool throws; a report that can't
 * be made is a remark in the log, never a reason to leave evidence unsealed.
 */
export async function sealAndVerify(
  spool: Spool,
  facts: SealFacts,
  run: RunContext,
  progress: Progress,
): Promise<ArchiveResult> {
  progress({ type: 'phase', phase: 'seal' })
  await spool.interruptOpen() // what is still open would be missing from the report
  const besides = await writeReports(spool, facts, run)
  const sealed = await sealSpool(spool, {
    ...(facts.incomplete === undefined ? {} : { incomplete: facts.incomplete }),
    readme: await template('README-VERIFY.txt'),
    besides,
    signal: run.signal,
  })
  progress({ type: 'phase', phase: 'verify' })
  const report = await verifyArchive(sealed.path, { signal: run.signal })
  return {
    path: sealed.path,
    bytes: sealed.bytes,
    sha256: sealed.sha256,
    logHead: sealed.logHead,
    incomplete: sealed.incomplete !== undefined,
    verified: report.ok,
    signed: false,
    besides: [...sealed.besides, sealed.sha256File],
  }
}

async function writeReports(
  spool: Spool,
  facts: SealFacts,
  run: RunContext,
): Promise<readonly { readonly name: string; readonly text: string }[]> {
  try {
    const { incomplete, startedAt, requestCount } = facts
    const model = buildReport(
      await reportInput(spool, {
        startedAt,
        endedAt: run.clock.now().toISOString(),
        ...(incomplete === undefined ? {} : { incomplete }),
        ...(requestCount === undefined ? {} : { requestCount }),
      }),
    )
    const texts = [
      { name: 'report.md', text: renderMarkdown(model, await template('report.md')) },
      { name: 'next-steps.md', text: renderNextSteps(model, await template('next-steps.md')) },
    ]
    for (const { name, text } of texts) await spool.putAutomatic(name, text)
    await spool.putAutomatic('report.json', `${JSON.stringify(model, null, 2)}\n`)
    return texts
  } catch (error) {
    if (isCode(error, 'storage')) throw error
    await spool.log.append({ type: 'remark', text: `the report could not be made: ${messageOf(error)}` })
    return []
  }
}
