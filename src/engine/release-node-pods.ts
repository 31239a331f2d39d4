import { hostname } from 'node:os'

import type { KubeConnection } from '../kube/connect.js'
import { compactTime } from '../model/case-name.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { RunContext } from '../model/ports/run-context.js'
import { madeNamespaceName, NodePodSet } from '../node-pod/index.js'
import { NO_PODS_ALLOWED, type RunNodePods } from './node-pods.js'
import type { NodePodWishes } from './request.js'
import { readScripts } from './system.js'

/** The pods that a release may start on nodes: one is, when it is first asked for. Without wishes none may. */
export async function nodePodsOfRelease(
  wishes: NodePodWishes | undefined,
  of: { readonly case: string; readonly who: string },
  kube: KubeConnection,
  journal: Journal,
  run: RunContext,
  notice: (text: string) => void,
): Promise<RunNodePods> {
  if (wishes === undefined) return NO_PODS_ALLOWED
  const id = `${compactTime(run.clock.now())}-${run.random(4).toString('hex')}`
  const set = new NodePodSet(
    {
      case: of.case,
      run: id,
      owner: { who: of.who, host: hostname(), pid: process.pid },
      image: wishes.image,
      namespace: wishes.namespace ?? madeNamespaceName(id),
      makeNamespace: wishes.namespace === undefined,
      frame: (await readScripts()).nodeFrame,
      leftovers: [],
    },
    { kube: kube.reader, writer: kube.writer(journal), exec: kube.exec, notice },
    run,
  )
  return { pods: set, close: (hurry) => set.close(hurry) }
}
