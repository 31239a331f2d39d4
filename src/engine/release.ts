import { createContainment, planRelease } from '../containment/index.js'
import type { JournalEntry, UndoReport } from '../model/containment.js'
import { exitStatusOf, ImpoundError, messageOf } from '../model/errors.js'
import type { KubeConnection } from '../kube/connect.js'
import { EXIT, worstExit, type ExitStatus } from '../model/exit.js'
import type { ReleasePlan } from '../model/release-plan.js'
import type { RunContext } from '../model/ports/run-context.js'
import { noWishes } from './no-wishes.js'
import { openCluster, planContext } from './prepare.js'
import type { Progress } from './progress.js'
import { releasable } from './release-claim.js'
import { clusterUid, sourcesFor, sourcesFromArchive, stateOf, type ReleaseSource } from './release-source.js'
import { nodePodsOfRelease } from './release-node-pods.js'
import type { ClusterRequest, NodePodWishes } from './request.js'
import type { ReleaseResult } from './result.js'

/** What a user asked of release. */
export interface ReleaseRequest {
  readonly cluster: ClusterRequest
  readonly names: readonly string[]
  readonly selector?: string
  /** An archive, instead of names. */
  readonly from?: string
  /** Set where a pod may be started on the suspect's node (--allow node). */
  readonly nodePods?: NodePodWishes
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
        plans.push(
          ...(await planRelease(planContext(kube, run), source.entries, await noWishes(source.facts))),
        )
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
      execute: (hard) => {
        requireNode(plans, request)
        const notice = (text: string): void => progress({ type: 'notice', text })
        return executeRelease(ready, failed, { cluster, kube, nodePods: request.nodePods, notice }, hard)
      },
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

/** Before anything is changed: what stands on a node is only taken back there. */
function requireNode(plans: readonly ReleasePlan[], { nodePods }: ReleaseRequest): void {
  const needs = plans.flatMap(({ actions }) => actions).find((action) => action.needs === 'node')
  if (needs === undefined || nodePods !== undefined) return
  throw new ImpoundError('refused', `${needs.action} can only be taken back by a pod on the suspect's node`, {
    hints: ['--allow node starts one, privileged, and removes it afterwards', 'nothing was changed'],
  })
}

interface ReleaseMeans {
  readonly cluster: string
  readonly kube: KubeConnection
  readonly nodePods: NodePodWishes | undefined
  readonly notice: (text: string) => void
}

type TargetOutcome = Omit<ReleaseResult['targets'][number], 'error'> & { readonly failure?: ImpoundError }

async function executeRelease(
  sources: readonly ReleaseSource[],
  failed: readonly TargetOutcome[],
  means: ReleaseMeans,
  run: RunContext,
): Promise<ReleaseResult> {
  const targets = [...failed]
  // one that fails does not hold up the others
  for (const source of sources) targets.push(await releaseOne(source, means, run))
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
  { cluster, kube, nodePods: wishes, notice }: ReleaseMeans,
  run: RunContext,
): Promise<TargetOutcome> {
  let written = (): readonly JournalEntry[] => []
  try {
    const state = await stateOf(cluster, source)
    const before = state.entries().length
    written = () => state.entries().slice(before)
    try {
      const containment = createContainment(await noWishes(source.facts))
      const onNodes = await nodePodsOfRelease(wishes, source.facts, kube, state.journal, run, notice)
      const context = {
        run,
        kube: kube.reader,
        writer: kube.writer(state.journal),
        nodePods: onNodes.pods,
      }
      let report: UndoReport
      try {
        report = await containment.undo(context, source.entries)
      } finally {
        await onNodes.close(run.signal)
      }
      await state.released()
      return { ...source.target, source: source.source, report }
    } finally {
      await state.close()
    }
  } catch (error) {
    return failedTarget(source, written(), error)
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
