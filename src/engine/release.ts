import { createQuarantine, planRelease } from '../containment/index.js'
import type { KubeConnection } from '../kube/connect.js'
import { EXIT } from '../model/exit.js'
import type { ReleasePlan } from '../model/release-plan.js'
import type { RunContext } from '../model/ports/run-context.js'
import { openCluster } from './prepare.js'
import type { Progress } from './progress.js'
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
  /** Whether some of it is known from a pod's annotation alone. */
  readonly fromAnnotation: boolean
  execute(run: RunContext): Promise<ReleaseResult>
  close(): Promise<void>
}

/** Finds out what is held and what a release would do. Throws not-found where nothing is. */
export async function prepareRelease(
  request: ReleaseRequest,
  run: RunContext,
  progress: Progress,
): Promise<PreparedRelease> {
  const kube = await openCluster(request.cluster, run, progress)
  try {
    const cluster = await clusterUid(kube, run.signal)
    const sources = await find(request, cluster, kube, run)
    const plans: ReleasePlan[] = []
    for (const { entries } of sources) plans.push(...(await planRelease({ run, kube: kube.reader }, entries)))
    return {
      plans,
      fromAnnotation: sources.some(({ source }) => source === 'annotation'),
      execute: (hard) => executeRelease(sources, cluster, kube, hard),
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

async function executeRelease(
  sources: readonly ReleaseSource[],
  cluster: string,
  kube: KubeConnection,
  run: RunContext,
): Promise<ReleaseResult> {
  const targets: ReleaseResult['targets'][number][] = []
  for (const source of sources) {
    const state = await stateOf(cluster, source)
    try {
      const action = createQuarantine({
        case: source.facts.case,
        who: source.facts.who,
        keepLabels: [],
        allowOutage: true,
        toolVersion: await toolVersion(),
      })
      const context = { run, kube: kube.reader, writer: kube.writer(state.journal) }
      const report = await action.undo(context, source.entries)
      targets.push({ ...source.target, source: source.source, report })
      await state.released()
    } finally {
      await state.close()
    }
  }
  const left = targets.some(({ report }) => report.left.length > 0)
  return { schema: 'impound/release/v1', exitStatus: left ? EXIT.incomplete : EXIT.done, targets }
}
