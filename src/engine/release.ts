import { createContainment, planRelease, type QuarantineOptions } from '../containment/index.js'
import type { JournalEntry } from '../model/containment.js'
import { exitStatusOf, ImpoundError, messageOf } from '../model/errors.js'
import type { KubeConnection } from '../kube/connect.js'
import { EXIT, worstExit, type ExitStatus } from '../model/exit.js'
import type { ReleasePlan } from '../model/release-plan.js'
import type { RunContext } from '../model/ports/run-context.js'
import { NO_NODE_PODS } from './no-node-pods.js'
import { openCluster, planContext } from './prepare.js'
import type { Progress } from './progress.js'
import { releasable } from './release-claim.js'
import { clusterUid, sourcesFor, sourcesFromArchive, stateOf, type ReleaseSource } from './release-source.js'
import type { ClusterRequest } from './request.js'
import type { ReleaseResult } from './result.js'
import { toolVersion } from './version.js'

/** What a user asked of release. */
export interface ReleaseRequest {
  readonly cluster: ClusterRequest
  readonly names: readonly string[]
  readonly selector?: string
  /** An archive, instead of names. */
  readonly from?: string
}

/** A release that is planned and has changed nothing yet. */
export interface PreparedRelease {
  readonly plans: readonly ReleasePlan[]
  /** Targets of which nothing can be released, and why; the others are not held up by them. */
  readonly failed: readonly TargetOutcome[]
  /** Whether some of it is known from a pod's annotation alone. */
  readonly fromAnnotation: boolean
  execute(run: RunContext): Promise<ReleaseResult>
  close(): Promise<void>
}

/**
 * Finds out what is held and what a release would do. Throws usage where no pod is named; where nothing can be released of
 * any, what stands against the first: not-found, or refused where another case holds it.
 */
export async function prepareRelease(
  request: ReleaseRequest,
  run: RunContext,
  progress: Progress,
): Promise<PreparedRelease> {
  if (request.names.length === 0 && request.selector === undefined && request.from === undefined) {
    throw new ImpoundError('usage', 'no pod is named', {
      hints: ['give a TARGET, a selector: -l app=web, or the archive of the run: --from ARCHIVE'],
    })
  }
  const kube = await openCluster(request.cluster, run, progress)
  try {
    const cluster = await clusterUid(kube, run.signal)
    const sources = await find(request, cluster, kube, run)
    const plans: ReleasePlan[] = []
    const ready: ReleaseSource[] = []
    const failed: TargetOutcome[] = []
    for (const found of sources) {
      try {
        const source = await releasable({ run, kube: kube.reader }, found)
        plans.push(...(await planRelease(planContext(kube, run), source.entries, await optionsOf(source))))
        ready.push(source)
      } catch (error) {
        run.signal.throwIfAborted()
        failed.push(failedTarget(found, [], error))
      }
    }
    if (plans.length === 0) throw failed[0]?.failure ?? new ImpoundError('not-found', 'nothing is held')
    return {
      plans,
      failed,
      fromAnnotation: ready.some(({ source }) => source === 'annotation'),
      execute: (hard) => executeRelease(ready, failed, cluster, kube, hard),
      close: () => kube.close(),
    }
  } catch (error) {
    await kube.close()
    throw error
  }
}

async function find(
  request: ReleaseRequest,
  cluster: string,
  kube: KubeConnection,
  run: RunContext,
): Promise<readonly ReleaseSource[]> {
  if (request.from !== undefined) return sourcesFromArchive(request.from, cluster, kube, run.signal)
  const targets = {
    names: request.names,
    namespace: kube.reader.facts.namespace,
    ...(request.selector === undefined ? {} : { selector: request.selector }),
  }
  return sourcesFor(kube, cluster, targets, run.signal)
}

type TargetOutcome = Omit<ReleaseResult['targets'][number], 'error'> & { readonly failure?: ImpoundError }

async function executeRelease(
  sources: readonly ReleaseSource[],
  failed: readonly TargetOutcome[],
  cluster: string,
  kube: KubeConnection,
  run: RunContext,
): Promise<ReleaseResult> {
  const targets = [...failed]
  // one that fails does not hold up the others
  for (const source of sources) targets.push(await releaseOne(source, cluster, kube, run))
  return {
    schema: 'impound/release/v1',
    exitStatus: worstExit(targets.map(statusOf)),
    targets: targets.map(({ failure, ...target }) => {
      if (failure === undefined) return target
      const { code, message, hints } = failure
      return { ...target, error: { code, message, hints } }
    }),
  }
}

function statusOf({ failure, report }: TargetOutcome): ExitStatus {
  if (failure !== undefined) return exitStatusOf(failure)
  return report.left.length > 0 ? EXIT.incomplete : EXIT.done
}

/** The state file is put away only where the release came to its end. */
async function releaseOne(
  source: ReleaseSource,
  cluster: string,
  kube: KubeConnection,
  run: RunContext,
): Promise<TargetOutcome> {
  let written = (): readonly JournalEntry[] => []
  try {
    const state = await stateOf(cluster, source)
    const before = state.entries().length
    written = () => state.entries().slice(before)
    try {
      const containment = createContainment(await optionsOf(source))
      const context = { run, kube: kube.reader, writer: kube.writer(state.journal), nodePods: NO_NODE_PODS }
      const report = await containment.undo(context, source.entries)
      await state.released()
      return { ...source.target, source: source.source, report }
    } finally {
      await state.close()
    }
  } catch (error) {
    return failedTarget(source, written(), error)
  }
}

/** Nothing of a plan is asked for: what a release takes back, the journal and the marks say. */
async function optionsOf({ facts }: ReleaseSource): Promise<QuarantineOptions> {
  return {
    case: facts.case,
    who: facts.who,
    keepLabels: [],
    allowOutage: true,
    wanted: new Set(),
    toolVersion: await toolVersion(),
  }
}

const DONE: Readonly<Record<string, string>> = {
  'restore-labels': 'labels put back',
  'delete-policy': 'NetworkPolicy taken away',
  unlock: 'annotation taken away',
}

function failedTarget(
  { target, source }: ReleaseSource,
  written: readonly JournalEntry[],
  error: unknown,
): TargetOutcome {
  const done = written.flatMap(({ intent, outcome }) =>
    outcome?.status !== undefined && outcome.status < 400 ? (DONE[intent.step] ?? []) : [],
  )
  const failure =
    error instanceof ImpoundError ? error : new ImpoundError('bug', messageOf(error), { cause: error })
  return { ...target, source, report: { done, left: [] }, failure }
}
