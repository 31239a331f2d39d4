import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { ArtefactRecord } from '../model/evidence.js'
import { ImpoundError } from '../model/errors.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Target } from '../model/target.js'
import {
  archiveName,
  createSpool,
  journalInto,
  openState,
  targetDirectory,
  Turns,
  type Spool,
} from '../evidence/index.js'
import { createRedactor } from '../evidence/redact.js'
import { aftermath, type Aftermath } from './aftermath.js'
import { caseKey } from './case-key.js'
import { runPhase, type TargetCapture } from './collect.js'
import { contain } from './contain.js'
import { finish } from './finish.js'
import { changedFiles } from './found.js'
import { collectOptions, refusalOf, type PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import { Recording, type RedactBody } from './recorder.js'
import { UNKNOWN_CLUSTER } from './release-source.js'
import type { Choices } from './request.js'
import { claimSpool } from './spool-owner.js'
import type { ContainmentResult, RunResult, TargetResult } from './result.js'
import { stateDirectory } from './system.js'

/** Most targets whose evidence is taken at the same time. */
const SIDE_BY_SIDE = 4
/** The API reads end after this, done or not: containment waits for nobody. */
const READ_DEADLINE_MS = 30_000

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
  prepared: PreparedRun,
  choices: Choices,
  interrupts: Interrupts,
  run: RunContext,
  progress: Progress,
): Promise<RunResult> {
  const refusal = refusalOf(prepared.plan)
  if (refusal !== undefined) throw refusal
  const confirmedAt = run.clock.monotonic()
  const spool = await openSpool(prepared, run)
  const disclaim = await claimSpool(spool.directory)
  const soft: RunContext = { ...run, signal: interrupts.collecting }
  const hard: RunContext = { ...run, signal: interrupts.everything }
  const redaction = await openRedaction(spool, run)
  // containment is one at a time: two policies or relabellings in one namespace must not cross
  const containing = new Turns()
  const results: TargetResult[] = []
  let fault: unknown
  try {
    await keepSceneBodies(prepared, spool, redaction.redact)
    const work = prepared.targets.map((target) => async (): Promise<void> => {
      results.push(
        await seizeOne(prepared, target, {
          choices,
          spool,
          redact: redaction.redact,
          soft,
          hard,
          containing,
          confirmedAt,
          progress,
        }),
      )
    })
    await bounded(work, SIDE_BY_SIDE)
  } catch (error) {
    fault = error
  }
  await redaction.close().catch((error: unknown) => (fault ??= error))
  try {
    return await finish({
      prepared,
      spool,
      results,
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
    await mkdir(prepared.output, { recursive: true })
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

/** Redaction under the key of the case, each replacement being a line of data/redactions.jsonl. */
async function openRedaction(
  spool: Spool,
  run: RunContext,
): Promise<{ readonly redact: RedactBody; close(): Promise<ArtefactRecord> }> {
  const key = await caseKey(stateDirectory(), spool.scene.case, (bytes) => run.random(bytes))
  const redactor = createRedactor(key)
  const lines = await spool
    .caseSink('redaction')
    .open(
      'redactions.jsonl',
      { kind: 'derived', mediaType: 'application/jsonl', trust: 'tool', derivedFrom: [] },
      '',
    )
  return {
    async redact(body, artefact) {
      const { bytes, redactions } = redactor.redactDocument(body)
      for (const redaction of redactions) await lines.write(`${JSON.stringify({ artefact, ...redaction })}\n`)
      return bytes
    },
    close: () => lines.end(),
  }
}

async function keepSceneBodies(prepared: PreparedRun, spool: Spool, redact: RedactBody): Promise<void> {
  const recording = new Recording(prepared.kube.reader, (body, name) => redact(body, `data/${name}`))
  const sink = spool.caseSink('scene')
  for (const body of prepared.sceneBodies) await recording.keep(body, sink)
}

interface TargetRun {
  readonly choices: Choices
  readonly spool: Spool
  readonly redact: RedactBody
  readonly soft: RunContext
  readonly hard: RunContext
  readonly containing: Turns
  readonly confirmedAt: number
  readonly progress: Progress
}

async function seizeOne(prepared: PreparedRun, target: Target, of: TargetRun): Promise<TargetResult> {
  const { spool, soft, progress, choices } = of
  const directory = targetDirectory(target)
  const label = `${target.namespace}/${target.name}`
  const recording = new Recording(prepared.kube.reader, (body, name) =>
    of.redact(body, `data/targets/${directory}/${name}`),
  )
  const capture: TargetCapture = {
    target,
    label,
    recording,
    options: collectOptions(prepared.request, choices),
    kube: prepared.kube,
    registry: prepared.registry,
    caseView: { document: (name) => spool.readDocument(`data/targets/${directory}/${name}`) },
    progress,
    sink: (collector) => spool.targetSink({ directory }, collector),
    ledger: () => spool.ledger().filter((row) => row.target === directory),
  }
  const { collectors } = prepared
  await runPhase(soft, 'read', collectors, capture, READ_DEADLINE_MS)
  await runPhase(soft, 'volatile', collectors, capture)
  const containment = soft.signal.aborted
    ? undefined
    : await of.containing.take(() => containOne(prepared, target, directory, of))
  await runPhase(soft, 'contained', collectors, capture)
  await runPhase(soft, 'slow', collectors, capture)
  const sink = spool.targetSink({ directory }, 'aftermath')
  const after = await lookAgain(prepared, target, recording, sink, of)
  return {
    namespace: target.namespace,
    name: target.name,
    uid: target.uid,
    ...(containment === undefined ? {} : { containment }),
    after,
    changedFiles: await changedFiles(spool, directory),
  }
}

async function lookAgain(
  prepared: PreparedRun,
  target: Target,
  recording: Recording,
  sink: ReturnType<Spool['targetSink']>,
  of: TargetRun,
): Promise<Aftermath> {
  const api = recording.freshReaderFor(sink, of.hard.signal)
  const skew = prepared.scene.clock.apiServerOffsetMs?.min ?? 0
  const after = await aftermath(api, target, prepared.startedAt.toISOString(), skew)
  const { derivedFrom } = after
  const source = { kind: 'derived', mediaType: 'application/json', trust: 'api', derivedFrom } as const
  await sink.document('containment/aftermath.json', after, source, '')
  return after
}

async function containOne(
  prepared: PreparedRun,
  target: Target,
  directory: string,
  of: TargetRun,
): Promise<ContainmentResult | undefined> {
  const plan = prepared.plan.targets.find(({ uid }) => uid === target.uid)?.quarantine
  if (prepared.quarantine === undefined || plan === undefined) return undefined
  const label = `${target.namespace}/${target.name}`
  of.progress({ type: 'phase', phase: 'contain', target: label })
  const state = await openState(
    stateDirectory(),
    prepared.scene.where.clusterUid ?? UNKNOWN_CLUSTER,
    target.uid,
  )
  try {
    await state.describe({
      case: prepared.plan.case,
      run: of.spool.name,
      who: prepared.scene.who.user ?? prepared.scene.who.osUser,
      archive: join(prepared.output, `${of.spool.name}.tar.gz`),
      context: prepared.scene.where.context,
      server: prepared.scene.where.server,
      target: { namespace: target.namespace, name: target.name, uid: target.uid },
    })
    const result = await contain(of.hard, {
      action: prepared.quarantine,
      plan,
      kube: prepared.kube,
      journal: journalInto(of.spool.journal, state.journal),
      sink: of.spool.targetSink({ directory }, 'quarantine'),
      confirmedAt: of.confirmedAt,
      cluster: prepared.request.cluster,
    })
    if (result.afterMs !== undefined)
      of.progress({ type: 'contained', target: label, afterMs: result.afterMs })
    return result
  } finally {
    await state.close()
  }
}

async function bounded(work: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  const queue = [...work]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next()
  }
  const ended = await Promise.allSettled(Array.from({ length: Math.min(atOnce, work.length) }, worker))
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
