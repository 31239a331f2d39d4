import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import { readScene } from '../collectors/scene.js'
import { createGonePodCollector } from '../collectors/gone-pod.js'
import { collectors as listCollectors } from '../collectors/index.js'
import { createContainment } from '../containment/index.js'
import { connect, type KubeConnection } from '../kube/connect.js'
import { caseName, compactTime, madeUpCaseName } from '../model/case-name.js'
import type { CollectOptions, Collector } from '../model/collector.js'
import type { Containment, WriteContext } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import type { RawResponse } from '../model/ports/kube-reader.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Scene } from '../model/scene.js'
import type { Scripts } from '../model/scripts.js'
import { containersOf, pullSecretsOf, type Target } from '../model/target.js'
import { forbidden, planCollectors } from './access.js'
import { restartsOf } from './aftermath.js'
import { collectOptions } from './collect-options.js'
import { findTargets, guardCount } from './find-targets.js'
import { killRefusal, planKill } from './plan-kill.js'
import { layerCache, openImages, type RegistryFor } from './images.js'
import { NO_NODE_PODS } from './no-node-pods.js'
import { planForTargets } from './plan-node-pods.js'
import type { RunPlan, TargetPlan } from './plan.js'
import type { Progress } from './progress.js'
import { releaseCommand } from './release-command.js'
import type { CaptureRequest, ClusterRequest } from './request.js'
import { describeTool, localIdentity, ntpState, readScripts } from './system.js'
import { twinWishes } from './twin-wishes.js'

/** A run that is planned and has changed nothing; execute() does it, close() gives it up. */
export interface PreparedRun {
  readonly request: CaptureRequest
  readonly plan: RunPlan
  readonly scene: Scene
  readonly sceneBodies: readonly RawResponse[]
  readonly targets: readonly Target[]
  readonly collectors: readonly Collector[]
  readonly scripts: Scripts
  readonly kube: KubeConnection
  readonly registryFor: RegistryFor
  /** Absent for a snapshot. */
  readonly quarantine?: Containment
  readonly output: string
  readonly startedAt: Date
}

/** Of a plan, nothing may reach a journal. */
export const NO_JOURNAL: Journal = {
  intent: () => Promise.reject(new ImpoundError('bug', 'a plan tried to write to the cluster')),
  result: () => Promise.resolve(),
}

/** What a plan works with: it may read and try writes, and starts nothing. */
export function planContext(kube: KubeConnection, run: RunContext): WriteContext {
  return { run, kube: kube.reader, writer: kube.writer(NO_JOURNAL), nodePods: NO_NODE_PODS }
}

export async function openCluster(
  request: ClusterRequest,
  run: RunContext,
  progress: Progress,
): Promise<KubeConnection> {
  const { kubeconfig, context, namespace, as } = request
  return connect({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(as === undefined ? {} : { as }),
    asGroups: request.asGroups,
    requestTimeoutMs: request.requestTimeoutMs,
    clock: run.clock,
    random: (bytes) => run.random(bytes),
    notice: (text) => progress({ type: 'notice', text }),
  })
}

/**
 * Reads what is needed to say what the run will do: scene, targets, rights, quarantine plans. Changes nothing in the
 * cluster and nothing on disk. Throws where the run can't do what was asked: forbidden with every missing right by
 * name, not-found, refused for a guard.
 */
export async function prepare(
  request: CaptureRequest,
  run: RunContext,
  progress: Progress,
): Promise<PreparedRun> {
  const startedAt = run.clock.now()
  const name = request.case === undefined ? madeUpCaseName(startedAt) : caseName(request.case)
  const registryFor = await openImages(request, request.cluster.requestTimeoutMs, run.signal, progress)
  const scripts = await readScripts()
  const all =
    request.command === 'quarantine'
      ? []
      : request.gone === undefined
        ? listCollectors(scripts, layerCache())
        : [createGonePodCollector(scripts)]
  // Those that nobody misses who did not ask for them
  const unasked = new Set([
    ...(request.memory.length > 0 ? [] : ['memory']),
    ...(request.nodeTriage ? [] : ['node-triage']),
    ...(request.checkpoint ? [] : ['checkpoint']),
    ...(request.exportImage ? [] : ['image-export']),
  ])
  const collectors = all.filter(({ name }) => !unasked.has(name))
  for (const skipped of request.skip) requireCollector(skipped, collectors)
  const kube = await openCluster(request.cluster, run, progress)
  try {
    const tool = await describeTool(request.argv)
    const { scene, bodies } = await readScene(run, kube.reader, {
      case: name,
      run: `${compactTime(startedAt)}-${run.random(4).toString('hex')}`,
      command: request.command,
      ...localIdentity(),
      ...(request.examiner === undefined ? {} : { examiner: request.examiner }),
      ...(request.authority === undefined ? {} : { authority: request.authority }),
      tool,
      utcOffsetMinutes: -startedAt.getTimezoneOffset(),
      ntp: await ntpState(),
    })
    const quarantine =
      request.command === 'snapshot'
        ? undefined
        : createContainment({
            case: name,
            who: scene.who.user ?? `${scene.who.osUser}@${scene.who.hostname}`,
            keepLabels: request.keepLabels,
            allowOutage: request.allowOutage,
            wanted: new Set(request.wanted),
            allowNode: request.allow.includes('node'),
            ...twinWishes(request, scene),
            scripts,
            toolVersion: tool.version,
          })
    const targets = await findTargets(request, kube, scripts, run)
    guardCount(request, targets)
    const output = resolve(request.outputDirectory ?? name)
    const options = collectOptions(request, request)
    const planned: TargetPlan[] = []
    for (const target of targets) {
      const plan = await planTarget(target, kube, collectors, options, run)
      const context = planContext(kube, run)
      if (quarantine === undefined) planned.push(plan)
      else {
        const planOfIt = await quarantine.plan(context, target)
        const kill = request.kill ? { kill: await planKill(target, kube, NO_JOURNAL, run) } : {}
        planned.push({ ...plan, undo: releaseCommand(planOfIt, request), quarantine: planOfIt, ...kill })
      }
    }
    const nodePods =
      request.nodePods === undefined
        ? undefined
        : await planForTargets(request.nodePods, targets, scene, kube, NO_JOURNAL, run)
    const free = await freeBytes(output)
    const plan: RunPlan = {
      schema: 'impound/plan/v1',
      command: request.command,
      case: name,
      at: run.clock.now().toISOString(),
      scene,
      allow: request.allow,
      containFirst: request.containFirst,
      volatileBudgetMs: request.volatileBudgetMs,
      targets: planned,
      ...(nodePods === undefined ? {} : { nodePods }),
      store: { directory: output, ...(free === undefined ? {} : { freeBytes: free }) },
    }
    return {
      request,
      plan,
      scene,
      sceneBodies: bodies,
      targets,
      collectors,
      scripts,
      kube,
      registryFor,
      ...(quarantine === undefined ? {} : { quarantine }),
      output,
      startedAt,
    }
  } catch (error) {
    await kube.close()
    throw error
  }
}

/** Why the run can't go on from this plan, or undefined. --dry-run shows the plan all the same. */
export function refusalOf(plan: RunPlan): ImpoundError | undefined {
  for (const target of plan.targets) {
    const { name, quarantine } = target
    const deletion = killRefusal(target)
    if (deletion !== undefined) return deletion
    if (quarantine === undefined) continue
    if (quarantine.missingAccess.length > 0) return forbidden(quarantine.missingAccess)
    const [first] = quarantine.refusals
    if (first !== undefined) {
      return new ImpoundError('refused', `${name} can't be quarantined: ${first.message}`, {
        hints: [
          ...(first.override === undefined
            ? []
            : [`${first.override} ${first.code === 'needs-node' ? 'allows one' : 'goes on all the same'}`]),
          'impound snapshot takes the evidence and changes nothing',
        ],
      })
    }
  }
  return undefined
}

function requireCollector(name: string, collectors: readonly Collector[]): void {
  if (collectors.some((collector) => collector.name === name)) return
  throw new ImpoundError('usage', `there is no collector "${name}" to skip`, {
    hints: [`one of ${collectors.map((collector) => collector.name).join(', ')}`],
  })
}

async function planTarget(
  target: Target,
  kube: KubeConnection,
  collectors: readonly Collector[],
  options: CollectOptions,
  run: RunContext,
): Promise<TargetPlan> {
  const { metadata, spec } = target.pod
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true)
  return {
    namespace: target.namespace,
    name: target.name,
    uid: target.uid,
    ...(metadata?.creationTimestamp === undefined ? {} : { created: metadata.creationTimestamp }),
    restarts: restartsOf(target.pod),
    ...(spec?.nodeName === undefined ? {} : { node: spec.nodeName }),
    ...(spec?.serviceAccountName === undefined ? {} : { serviceAccount: spec.serviceAccountName }),
    ...(owner === undefined ? {} : { owner: `${owner.kind ?? ''} ${owner.name ?? ''}` }),
    images: containersOf(target.pod).map(({ name, image, imageID }) => ({
      container: name,
      reference: image,
      imageID,
    })),
    ...(options.usePullSecrets ? { pullSecrets: pullSecretsOf(target.pod) } : {}),
    collectors: await planCollectors(kube.reader, collectors, options, target, run.signal),
  }
}

/** Free bytes where the archive will lie: of the nearest folder that exists. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  } catch {
    return dirname(folder) === folder ? undefined : freeBytes(dirname(folder))
  }
}
