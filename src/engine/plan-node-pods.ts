import { hostname } from 'node:os'

import type { KubeConnection } from '../kube/connect.js'
import type { NodePodPlan } from '../model/node-pod-plan.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { RunContext } from '../model/ports/run-context.js'
import type { Scene } from '../model/scene.js'
import type { Target } from '../model/target.js'
import { planNodePods } from '../node-pod/index.js'
import { missingAccess } from './access.js'
import type { CaptureRequest, NodePodWishes } from './request.js'
import { isAlive } from './spool-owner.js'

/** The plan for the nodes that the targets are on; undefined where they are on none. */
export async function planForTargets(
  wishes: NonNullable<CaptureRequest['nodePods']>,
  targets: readonly Target[],
  scene: Scene,
  kube: KubeConnection,
  noJournal: Journal,
  run: RunContext,
): Promise<NodePodPlan | undefined> {
  const nodes = [...new Set(targets.flatMap(({ pod }) => pod.spec?.nodeName ?? []))].sort()
  return nodes.length === 0 ? undefined : planForNodes(wishes, nodes, scene, kube, noJournal, run)
}

/** The plan for these nodes; without any, what the rights alone say. */
export function planForNodes(
  wishes: NodePodWishes,
  nodes: readonly string[],
  scene: Scene,
  kube: KubeConnection,
  noJournal: Journal,
  run: RunContext,
): Promise<NodePodPlan> {
  const request = { ...wishes, ...belonging(scene), nodes }
  const means = {
    kube: kube.reader,
    writer: kube.writer(noJournal),
    now: run.clock.now(),
    isAlive,
    missingAccess: (rules: Parameters<typeof missingAccess>[1]) =>
      missingAccess(kube.reader, rules, run.signal),
    signal: run.signal,
  }
  return planNodePods(request, means)
}

/** Whose a pod on a node is. */
export function belonging(scene: Scene): {
  readonly case: string
  readonly run: string
  readonly owner: { readonly who: string; readonly host: string; readonly pid: number }
} {
  const { who } = scene
  return {
    case: scene.case,
    run: scene.run,
    owner: { who: who.user ?? `${who.osUser}@${who.hostname}`, host: hostname(), pid: process.pid },
  }
}
