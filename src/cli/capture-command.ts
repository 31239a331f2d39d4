import { createReadStream } from 'node:fs'
import { mkdtemp, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

import { withChoices } from '../engine/choices.js'
import { execute } from '../engine/execute.js'
import { prepare, refusalOf } from '../engine/prepare.js'
import type { RunPlan } from '../engine/plan.js'
import type { CaptureRequest, Choices } from '../engine/request.js'
import type { RunResult } from '../engine/result.js'
import { systemContext } from '../engine/system.js'
import { ImpoundError, messageOf } from '../model/errors.js'
import type { ExitStatus } from '../model/exit.js'
import { BaseCommand } from './base-command.js'
import { askInTerminal, confirmPlan } from './confirm.js'
import { endScreen } from './end-screen.js'
import { reportFailure } from './failure.js'
import { listenForInterrupts, SEALING } from './interrupts.js'
import { planScreen } from './plan-screen.js'
import { progressDocument, progressView } from './progress-lines.js'

/** How the command line wants to be talked to. */
export interface Manners {
  readonly json: boolean
  readonly jsonLines: boolean
  readonly yes: boolean
  readonly dryRun: boolean
  /** The archive itself goes to stdout. */
  readonly toStdout: boolean
}

/** seize, snapshot and quarantine: plan, confirm, run, tell. */
export abstract class CaptureCommand extends BaseCommand {
  protected async capture(request: CaptureRequest, manners: Manners): Promise<void> {
    this.refuseMixed(request, manners)
    const interrupts = listenForInterrupts(
      (line) => this.say(line),
      () => (started ? SEALING : 'nothing was changed'),
    )
    const view = progressView(process.stderr, () => new Date())
    const run = systemContext(interrupts.collecting)
    const folder = manners.toStdout ? await mkdtemp(join(tmpdir(), 'impound-')) : undefined
    let delivered = false
    let started = false
    const progress: typeof view.progress = (event) => {
      if (manners.jsonLines) process.stdout.write(progressDocument(event, new Date()))
      else view.progress(event)
    }
    try {
      const prepared = await prepare(
        { ...request, ...(folder === undefined ? {} : { outputDirectory: folder }) },
        run,
        progress,
      )
      try {
        const choices = await this.decide(prepared.plan, manners)
        if (choices === undefined) return
        started = true
        const result = await execute(prepared, choices, interrupts, run, progress)
        view.stop()
        await this.tell(result, manners)
        delivered = result.archive !== undefined
      } finally {
        await prepared.kube.close()
      }
    } finally {
      view.stop()
      interrupts.stop()
      // what was not delivered whole is all there is: it stays, and the error names it
      if (folder !== undefined) {
        if (delivered || !started) await rm(folder, { recursive: true, force: true })
        else await rmdir(folder).catch(() => undefined)
      }
    }
  }

  /** The choices of a confirmed plan; undefined where the plan alone was wanted. */
  private async decide(plan: RunPlan, manners: Manners): Promise<Choices | undefined> {
    if (manners.dryRun) {
      this.print(plan, planScreen(plan), manners)
      const refusal = refusalOf(plan)
      // the plan is the one document; it holds what speaks against it
      if (refusal !== undefined) process.exitCode = reportFailure(refusal, 'text')
      return undefined
    }
    const asks = plan.command !== 'snapshot' && !manners.yes
    const choices = { allow: plan.allow, containFirst: plan.containFirst }
    // a key at the prompt may allow a pod on the node, where there is a node
    const most: Choices =
      asks && plan.nodePods !== undefined ? { ...choices, allow: [...plan.allow, 'node'] } : choices
    const refusal = refusalOf(withChoices(plan, most))
    if (refusal !== undefined || !asks) {
      this.say(planScreen(plan).trimEnd())
      if (refusal !== undefined) throw refusal
      return choices
    }
    const show = (shown: RunPlan): void => this.say(planScreen(shown).trimEnd())
    return confirmPlan(plan, show, askInTerminal, (line) => this.say(line))
  }

  private refuseMixed(request: CaptureRequest, manners: Manners): void {
    if (manners.toStdout && (manners.json || manners.jsonLines)) {
      throw new ImpoundError('usage', 'stdout can carry the archive or JSON, not both', {
        hints: ['leave out --json, or give --output a folder'],
      })
    }
    if (manners.toStdout && process.stdout.isTTY) {
      throw new ImpoundError('usage', 'the archive would go to the terminal', {
        hints: ['redirect it: impound … -o - > evidence.tar.gz'],
      })
    }
    if (request.command === 'snapshot' || manners.yes || manners.dryRun) return
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw new ImpoundError('usage', 'this changes the cluster, and there is no terminal to ask at', {
        hints: ['look at the plan with --dry-run, then confirm it with --yes'],
      })
    }
  }

  private async tell(result: RunResult, manners: Manners): Promise<void> {
    process.exitCode = result.exitStatus satisfies ExitStatus
    if (!manners.toStdout) {
      this.print(result, endScreen(result), manners)
      return
    }
    const { archive } = result
    // what lies in the temporary folder is named only where it stays there
    const shown =
      archive === undefined
        ? result
        : { ...result, archive: { ...archive, path: '/dev/stdout', besides: [] } }
    this.say(endScreen(shown).trimEnd())
    if (archive !== undefined) await deliver(archive.path)
  }
}

/** Sends the archive to stdout. Throws `storage`, naming the file that stays, where the far end takes less than all of it. */
async function deliver(path: string): Promise<void> {
  try {
    await pipeline(createReadStream(path), process.stdout)
  } catch (cause) {
    throw new ImpoundError('storage', `stdout did not take the archive: ${messageOf(cause)}`, {
      cause,
      hints: [`the archive is whole in ${path}`, 'move it to where it belongs: nothing else has a copy'],
    })
  }
}
