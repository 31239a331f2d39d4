import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

import { archiveName, createSpool, Turns, type Spool } from '../evidence/index.js'
import { ImpoundError } from '../model/errors.js'
import type { NodePodResult } from '../model/node-pod-plan.js'
import type { RunContext } from '../model/ports/run-context.js'
import { captureTarget, type TargetRun } from './capture-target.js'
import { caseKey } from './case-key.js'
import { withChoices } from './choices.js'
import { finish } from './finish.js'
import { startNodePods } from './node-pods.js'
import { refusalOf, type PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import { Recording, type RedactBody } from './recorder.js'
import { openRedaction } from './redaction.js'
import type { Choices } from './request.js'
import type { RunResult, TargetResult } from './result.js'
import { claimSpool } from './spool-owner.js'
import { stateDirectory } from './system.js'

/** Most targets whose evidence is taken at the same time. */
const SIDE_BY_SIDE = 4

/** The two ways a run is stopped: the first Ctrl-C ends collecting, the second also containment and sealing. */
export interface Interrupts {
  readonly collecting: AbortSignal
  readonly everything: AbortSignal
}

/**
 * Carries out a prepared run: API reads, containment, slow evidence, seal, read back. Whatever happens after the spool is
 * open, what was collected is sealed, labelled incomplete where it is; if that fails too the spool stays and is named.
 */
export async function execute(
  planned: PreparedRun,
  choices: Choices,
  interrupts: Interrupts,
  run: RunContext,
  progress: Progress,
): Promise<RunResult> {
  const prepared = { ...planned, plan: withChoices(planned.plan, choices) }
  const refusal = refusalOf(prepared.plan)
  if (refusal !== undefined) throw refusal
  const confirmedAt = run.clock.monotonic()
  const key = await caseKey(stateDirectory(), prepared.plan.case, (bytes) => run.random(bytes))
  const spool = await openSpool(prepared, run)
  const disclaim = await claimSpool(spool.directory)
  const hard: RunContext = { ...run, signal: interrupts.everything }
  const results = new Map<string, TargetResult>()
  let nodePods: readonly NodePodResult[] = []
  let fault: unknown
  try {
    const redaction = await openRedaction(spool, key)
    const { redact } = redaction
    const soft: RunContext = { ...run, signal: interrupts.collecting }
    const onNodes = startNodePods(prepared, choices, spool, soft, progress)
    try {
      await keepSceneBodies(prepared, spool, redact)
      await captureAll({
        prepared,
        choices,
        spool,
        redact,
        soft,
        hard,
        nodePods: onNodes.pods,
        // containment is one at a time: two policies or relabellings in one namespace must not cross
        containing: new Turns(),
        confirmedAt,
        progress,
        report: (result) => results.set(result.uid, result),
      })
    } finally {
      nodePods = await onNodes.close(interrupts.everything)
      await redaction.close()
    }
  } catch (error) {
    fault = error
  }
  try {
    return await finish({
      prepared,
      spool,
      results: [...results.values()],
      nodePods,
      run: hard,
      interrupted: interrupts.collecting.aborted,
      fault,
      progress,
    })
  } finally {
    await disclaim()
  }
}

async function openSpool(prepared: PreparedRun, run: RunContext): Promise<Spool> {
  try {
    await makeFolder(prepared.output)
  } catch (cause) {
    throw new ImpoundError('storage', `can't make the folder ${prepared.output}`, {
      cause,
      hints: ['give another one with --output'],
    })
  }
  return createSpool({
    outputDirectory: prepared.output,
    name: archiveName(prepared.plan.case, prepared.startedAt, prepared.targets),
    clock: run.clock,
    scene: prepared.scene,
  })
}

/** Step by step: Node's own recursive mkdir never comes back from places like /proc. */
async function makeFolder(folder: string): Promise<void> {
  const known = await stat(folder).catch(() => undefined)
  if (known?.isDirectory() === true) return
  if (dirname(folder) !== folder) await makeFolder(dirname(folder))
  try {
    await mkdir(folder, { mode: 0o700 })
  } catch (error) {
    // another run of the case may have made it in between
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw error
  }
}

async function keepSceneBodies(prepared: PreparedRun, spool: Spool, redact: RedactBody): Promise<void> {
  const recording = new Recording(prepared.kube.reader, (body, name) => redact(body, `data/${name}`))
  const sink = spool.caseSink('scene')
  for (const body of prepared.sceneBodies) await recording.keep(body, sink)
}

/** Targets side by side, so many at a time; one that fails does not hold up the others. */
async function captureAll(of: TargetRun): Promise<void> {
  const queue = [...of.prepared.targets]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await captureTarget(next, of)
  }
  const workers = Array.from({ length: Math.min(SIDE_BY_SIDE, queue.length) }, worker)
  const failed = (await Promise.allSettled(workers)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
