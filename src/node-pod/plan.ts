import type { AccessRule } from '../model/api-path.js'
import { podPath } from '../model/api-path.js'
import { type ErrorCode, ImpoundError } from '../model/errors.js'
import type { NodePodPlan, PlannedNodePod } from '../model/node-pod-plan.js'
import { SCC_GROUP } from '../model/openshift.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { KubeWriter } from '../model/ports/kube-writer.js'
import { nodePodAccess, nodePodUsefulAccess } from './access.js'
import { admissionRefusal } from './admission.js'
import { findLeftovers, type IsAlive } from './leftovers.js'
import { namespaceManifest, nodePodManifest, type Belonging } from './manifest.js'
import { madeNamespaceName, namespacePath, nodePodName } from './names.js'
import { checkNode } from './node-check.js'
import { ACTION } from './removal.js'

/** What says nothing about the pod. */
const NO_ANSWER: ReadonlySet<ErrorCode> = new Set(['aborted', 'bug', 'storage'])

export interface NodePodRequest extends Belonging {
  readonly image: string
  /** Absent: one is made. */
  readonly namespace?: string
  readonly nodes: readonly string[]
}

export interface PlanMeans {
  readonly kube: KubeReader
  /** For dry runs alone. */
  readonly writer: KubeWriter
  readonly now: Date
  readonly isAlive: IsAlive
  /** Of these rights, those that we lack. */
  missingAccess(rules: readonly AccessRule[]): Promise<readonly AccessRule[]>
  readonly signal: AbortSignal
}

/** What would be started on which nodes, whether it will be admitted as far as can be told, and what is to be cleaned up. */
export async function planNodePods(request: NodePodRequest, means: PlanMeans): Promise<NodePodPlan> {
  const namespace = request.namespace ?? madeNamespaceName(request.run)
  const { kube, now, isAlive, signal } = means
  const openShift = (await kube.discover(signal)).resources.some(({ group }) => group === SCC_GROUP)
  const useful = await means.missingAccess(nodePodUsefulAccess())
  const mayList = (of: string): boolean =>
    !useful.some(({ verb, resource }) => verb === 'list' && resource === of)
  const may = { pods: mayList('pods'), namespaces: mayList('namespaces') }
  const [pods, leftovers, missingAccess] = await Promise.all([
    Promise.all(request.nodes.map((node) => planPod(request, namespace, node, means))),
    findLeftovers(kube, { namespace, now, isAlive, signal, may }),
    means.missingAccess(nodePodAccess({ namespace, openShift }, request.namespace === undefined)),
  ])
  return {
    image: request.image,
    byDigest: /@sha256:[0-9a-f]{64}$/.test(request.image),
    namespace,
    madeNamespace: request.namespace === undefined,
    pods,
    leftovers,
    missingAccess,
    attackerSees: [
      `who may list pods or events of ${namespace}: the pod, its image, the case's name`,
      'who sees the processes of the node: sleep, and sh, tar and others of ours while they run',
    ],
  }
}

/** Whether a namespace of ours would be admitted, by a dry run: the server's reason where it would not. */
export async function tryNamespace(
  of: Belonging,
  { writer, signal }: Pick<PlanMeans, 'writer' | 'signal'>,
): Promise<string | undefined> {
  try {
    await writer.create(namespacePath(), namespaceManifest(madeNamespaceName(of.run), of), {
      signal,
      action: ACTION,
      step: 'create',
      dryRun: true,
    })
    return undefined
  } catch (error) {
    if (!(error instanceof ImpoundError) || NO_ANSWER.has(error.code)) throw error
    return admissionRefusal(error, 'refused').message
  }
}

async function planPod(
  request: NodePodRequest,
  namespace: string,
  node: string,
  { kube, writer, signal }: PlanMeans,
): Promise<PlannedNodePod> {
  const name = nodePodName(request.run, node)
  try {
    const { warning } = await checkNode(kube, node, signal)
    if (request.namespace === undefined) {
      return { node, name, will: 'not-known', why: warning ?? 'its namespace is yet to be made' }
    }
    const manifest = nodePodManifest({ ...request, namespace, name, node })
    await writer.create(podPath(namespace), manifest, {
      signal,
      action: ACTION,
      step: 'create',
      dryRun: true,
    })
    return { node, name, will: 'admitted', why: warning ?? 'a dry run was accepted' }
  } catch (error) {
    if (!(error instanceof ImpoundError) || NO_ANSWER.has(error.code)) throw error
    // a webhook with side effects refuses the dry run, not the pod
    if (/does not support dry ?run/i.test(error.message)) {
      return { node, name, will: 'not-known', why: 'an admission webhook can’t be asked beforehand' }
    }
    const why =
      error.code === 'unsupported' || error.code === 'target-refused'
        ? error
        : admissionRefusal(error, 'refused')
    return { node, name, will: 'refused', why: why.message }
  }
}
