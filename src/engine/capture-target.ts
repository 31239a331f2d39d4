import { join } from 'node:path'

import { journalInto, openState, targetDirectory, type Spool, type Turns } from '../evidence/index.js'
import type { NodePods } from '../model/ports/node-pod.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Sink } from '../model/ports/sink.js'
import type { QuarantinePlan } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { aftermath, type Aftermath } from './aftermath.js'
import { runPhase, type TargetCapture } from './collect.js'
import { contain } from './contain.js'
import { ephemeralsOf } from './ephemerals.js'
import { accountReach, changedFiles, openConnections } from './found.js'
import { collectOptions } from './collect-options.js'
import type { PreparedRun } from './prepare.js'
import type { Progress } from './progress.js'
import { Recording, type RedactBody } from './recorder.js'
import { releaseCommand } from './release-command.js'
import { UNKNOWN_CLUSTER } from './release-source.js'
import type { Choices } from './request.js'
import type { ContainmentResult, TargetResult } from './result.js'
import { stateDirectory } from './system.js'
import { beginVolatile, LateMark } from './volatile.js'

/** The API reads end after this, done or not: containment waits for nobody. */
const READ_DEADLINE_MS = 30_000

/** What the targets of one run share. */
export interface TargetRun {
  readonly prepared: PreparedRun
  readonly choices: Choices
  readonly spool: Spool
  readonly redact: RedactBody
  readonly soft: RunContext
  readonly hard: RunContext
  readonly nodePods: NodePods
  readonly containing: Turns
  readonly confirmedAt: number
  readonly progress: Progress
  /** Told as soon as something is known, so that a fault later on can't lose it. */
  report(result: TargetResult): void
}

/**
 * One pod through its phases: API reads, volatile evidence, containment, slow evidence, a last look. Throws only what
 * travels: local storage failing, a fault of impound.
 */
export async function captureTarget(target: Target, of: TargetRun): Promise<void> {
  const { prepared, spool, soft, progress, choices } = of
  const directory = targetDirectory(target)
  const label = `${target.namespace}/${target.name}`
  const recording = new Recording(prepared.kube.reader, (body, name) =>
    of.redact(body, `data/targets/${directory}/${name}`),
  )
  const ephemerals = ephemeralsOf(target, of)
  const capture: TargetCapture = {
    target,
    label,
    recording,
    options: collectOptions(prepared.request, choices),
    kube: prepared.kube,
    nodePods: of.nodePods,
    ephemerals: ephemerals.containers,
    registry: prepared.registryFor(target, prepared.kube.reader),
    journal: spool.journal,
    caseView: {
      document: (name) => spool.readDocument(`data/targets/${directory}/${name}`),
      content: (path) => spool.readContent(path),
    },
    progress,
    sink: (collector) => spool.targetSink({ directory }, collector),
    ledger: () => spool.ledger().filter((row) => row.target === directory),
  }
  const { collectors } = prepared
  const mark = new LateMark()
  const late = (): string | undefined => mark.note(soft.clock.monotonic())
  const volatileCapture: TargetCapture = {
    ...capture,
    sink: (collector) => spool.targetSink({ directory }, collector, late),
  }
  const contained = async (): Promise<Contained> => {
    const containment = soft.signal.aborted
      ? undefined
      : await of.containing.take(() => containOne(target, directory, of))
    if (containment?.afterMs !== undefined) mark.contained(soft.clock.monotonic())
    const result = { ...identity(target), ...(containment === undefined ? {} : { containment }) }
    of.report({ ...result, changedFiles: [] })
    return result
  }
  await runPhase(soft, 'read', collectors, capture, READ_DEADLINE_MS)
  let result = choices.containFirst ? await contained() : undefined
  const volatile = beginVolatile(soft, collectors, volatileCapture)
  try {
    if (result !== undefined || prepared.quarantine === undefined) await volatile.done()
    else if (!(await volatile.doneWithin(prepared.request.volatileBudgetMs)))
      progress({ type: 'notice', text: `${label}: volatile evidence is late; it is contained without` })
    result ??= await contained()
    await runPhase(soft, 'contained', collectors, capture)
    await runPhase(soft, 'slow', collectors, capture)
  } finally {
    await volatile.end()
    await ephemerals.close()
  }
  const after = await lookAgain(target, recording, spool.targetSink({ directory }, 'aftermath'), of)
  const account = await accountReach(spool, directory)
  const connections = await openConnections(spool, directory)
  of.report({
    ...result,
    after,
    changedFiles: await changedFiles(spool, directory),
    ...(connections === undefined ? {} : { connections }),
    ...(account === undefined ? {} : { account }),
  })
}

type Contained = Pick<TargetResult, 'namespace' | 'name' | 'uid' | 'containment'>

async function lookAgain(
  target: Target,
  recording: Recording,
  sink: Sink,
  of: TargetRun,
): Promise<Aftermath> {
  const { prepared } = of
  const api = recording.freshReaderFor(sink, of.hard.signal)
  const skew = prepared.scene.clock.apiServerOffsetMs?.min ?? 0
  const after = await aftermath(api, target, prepared.startedAt.toISOString(), skew)
  const { derivedFrom } = after
  const source = { kind: 'derived', mediaType: 'application/json', trust: 'api', derivedFrom } as const
  await sink.document('containment/aftermath.json', after, source, '')
  return after
}

async function containOne(
  target: Target,
  directory: string,
  of: TargetRun,
): Promise<ContainmentResult | undefined> {
  const { prepared } = of
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
    of.report({ ...identity(target), changedFiles: [], containment: begun(plan, of) })
    const result = await contain(of.hard, {
      action: prepared.quarantine,
      plan,
      kube: prepared.kube,
      journal: journalInto(of.spool.journal, state.journal),
      nodePods: of.nodePods,
      sink: of.spool.targetSink({ directory }, 'quarantine'),
      confirmedAt: of.confirmedAt,
      request: prepared.request,
    })
    if (result.afterMs !== undefined)
      of.progress({ type: 'contained', target: label, afterMs: result.afterMs })
    return result
  } finally {
    await state.close()
  }
}

function identity({ namespace, name, uid }: Target): Pick<TargetResult, 'namespace' | 'name' | 'uid'> {
  return { namespace, name, uid }
}

/** What is told of a containment that a fault cuts off before it can tell for itself. */
function begun(plan: QuarantinePlan, of: TargetRun): ContainmentResult {
  const undo = releaseCommand(plan, of.prepared.request)
  const message = 'it was begun and did not come to its end'
  return {
    error: { code: 'storage', message, hints: [`what was done so far stays; take it back: ${undo}`] },
    actions: [],
    undo,
  }
}
