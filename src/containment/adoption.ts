import { messageOf, isCode } from '../model/errors.js'
import { asArray, asNumber, asString, at } from '../model/json.js'
import type { KubeObject, OwnerReference, Pod } from '../model/kubernetes.js'
import type { ReadContext } from '../model/containment.js'
import type { Adoption } from '../model/release-plan.js'
import { selectorMatches } from '../model/selector.js'
import { podPath } from '../model/api-path.js'
import { letsGo } from './owner-behaviour.js'
import { readOwner, selectorOf } from './owners.js'
import { listObjects } from './reading.js'

type Dying = Adoption['dies'][number]

/**
 * What the owner that let the pod go does when it selects it again, and which pods it then deletes. The order in which
 * controllers choose is that of k8s.io/kubernetes pkg/controller, ActivePodsWithRanks; ties are broken by what can't be
 * seen from outside, so the answer is the likely one.
 */
export async function adoption(
  { kube, run }: ReadContext,
  suspect: Pod,
  owner: OwnerReference | undefined,
  labels: Readonly<Record<string, string>>,
): Promise<Adoption> {
  const nobody = (says: string): Adoption => ({ says, dies: [], suspectDies: false })
  if (owner === undefined) return nobody('the pod had no owner: nothing adopts it')
  const title = `${owner.kind ?? ''} ${owner.name ?? ''}`
  const namespace = suspect.metadata?.namespace ?? ''
  if (suspect.metadata?.ownerReferences?.some(({ uid }) => uid === owner.uid) === true) {
    return nobody(`${title} has not let the pod go: nothing changes for it`)
  }
  const read = await readOwner(kube, owner, namespace, run.signal)
  if ('why' in read)
    return nobody(`${title} can't be read (${read.why}): whether it adopts the pod is not known`)
  const selector = selectorOf(read.object)
  if (!letsGo(owner) || selector === undefined) return nobody(`what ${title} does with the pod is not known`)
  if (!selectorMatches(selector, labels)) return nobody(`${title} does not select the pod: nothing adopts it`)
  let pods: readonly Pod[]
  try {
    pods = await listObjects<Pod>(kube, podPath(namespace), run.signal)
  } catch (error) {
    if (isCode(error, 'aborted')) throw error
    return nobody(
      `${title} adopts the pod again; which one it then deletes is not known (${messageOf(error)})`,
    )
  }
  const siblings = pods.filter(
    (pod) => isActive(pod) && pod.metadata?.ownerReferences?.some(({ uid }) => uid === owner.uid) === true,
  )
  return verdict(title, suspect, dying(read.object, owner.kind ?? '', suspect, siblings))
}

function verdict(title: string, suspect: Pod, dies: readonly Dying[]): Adoption {
  const suspectDies = dies.some(({ uid }) => uid === suspect.metadata?.uid)
  const names = dies.map(({ name, why }) => `${name} (${why})`).join(', ')
  return {
    says:
      dies.length === 0
        ? `${title} adopts the pod again; no pod dies`
        : `${title} adopts the pod again and then deletes, most likely, ${names}${suspectDies ? ': the suspect itself' : ''}`,
    dies,
    suspectDies,
  }
}

function dying(owner: KubeObject, kind: string, suspect: Pod, siblings: readonly Pod[]): readonly Dying[] {
  switch (kind) {
    case 'StatefulSet':
      return []
    case 'DaemonSet': {
      const onNode = [suspect, ...siblings.filter((pod) => madeFor(pod) === nodeOf(suspect))]
      return [...onNode]
        .sort((left, right) => created(left) - created(right))
        .slice(1)
        .map((pod) => dyingPod(pod, 'a DaemonSet keeps the oldest'))
    }
    case 'Job': {
      const ended = ['Complete', 'Failed'].some((type) =>
        conditions(owner).some((condition) => condition.type === type && condition.status === 'True'),
      )
      return ended ? [] : surplus(asNumber(at(owner, 'spec', 'parallelism')) ?? 1, suspect, siblings)
    }
    default:
      return surplus(asNumber(at(owner, 'spec', 'replicas')) ?? 1, suspect, siblings)
  }
}

function surplus(wanted: number, suspect: Pod, siblings: readonly Pod[]): readonly Dying[] {
  const all = isActive(suspect) ? [suspect, ...siblings] : siblings
  const crowd = new Map<string, number>()
  for (const pod of all) crowd.set(nodeOf(pod), (crowd.get(nodeOf(pod)) ?? 0) + 1)
  return [...all]
    .sort((left, right) => compareForDeletion(left, right, crowd).order)
    .slice(0, Math.max(0, all.length - wanted))
    .map((pod) => {
      const survivor = all.find((other) => compareForDeletion(pod, other, crowd).order < 0)
      return dyingPod(
        pod,
        survivor === undefined ? 'one too many' : compareForDeletion(pod, survivor, crowd).why,
      )
    })
}

/** Negative: `left` is deleted first. */
function compareForDeletion(
  left: Pod,
  right: Pod,
  crowd: ReadonlyMap<string, number>,
): { readonly order: number; readonly why: string } {
  const criteria: readonly (readonly [why: string, of: (pod: Pod) => number])[] = [
    ['not on a node yet', (pod) => (nodeOf(pod) === '' ? 0 : 1)],
    ['not running yet', (pod) => ['Pending', 'Unknown', 'Running'].indexOf(pod.status?.phase ?? '')],
    ['not ready', (pod) => (readySince(pod) === undefined ? 0 : 1)],
    ['lower deletion cost', deletionCost],
    ['shares its node with a sibling', (pod) => -(crowd.get(nodeOf(pod)) ?? 0)],
    // times are compared by the order of magnitude of the age; which one, the controller alone knows
    ['ready for a shorter time', (pod) => -(readySince(pod) ?? 0)],
    ['more restarts', (pod) => -restarts(pod)],
    ['newer', (pod) => -created(pod)],
  ]
  for (const [why, of] of criteria) {
    const order = of(left) - of(right)
    if (order !== 0) return { order, why }
  }
  return { order: 0, why: 'one too many' }
}

function dyingPod(pod: Pod, why: string): Dying {
  return { name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '', why }
}

function isActive(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase !== 'Succeeded' && phase !== 'Failed' && pod.metadata?.deletionTimestamp === undefined
}

function nodeOf(pod: Pod): string {
  return pod.spec?.nodeName ?? ''
}

/** The node of a DaemonSet's pod, also before it is on it: pkg/controller/daemon/util, GetTargetNodeName. */
function madeFor(pod: Pod): string {
  if (nodeOf(pod) !== '') return nodeOf(pod)
  const affinity = at(
    pod,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  )
  const fields = asArray(at(affinity, 'nodeSelectorTerms')).flatMap((term) =>
    asArray(at(term, 'matchFields')),
  )
  const named = fields.find((field) => at(field, 'key') === 'metadata.name')
  return asString(at(named, 'values', 0)) ?? ''
}

function created(pod: Pod): number {
  return Date.parse(pod.metadata?.creationTimestamp ?? '') || 0
}

function readySince(pod: Pod): number | undefined {
  const ready = conditions(pod).find(({ type, status }) => type === 'Ready' && status === 'True')
  return ready === undefined ? undefined : Date.parse(asString(at(ready, 'lastTransitionTime')) ?? '') || 0
}

function deletionCost(pod: Pod): number {
  return (
    Number.parseInt(pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0', 10) || 0
  )
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount = 0 }) => restartCount))
}

function conditions(object: KubeObject): readonly { readonly type?: string; readonly status?: string }[] {
  const found = at(object, 'status', 'conditions')
  return Array.isArray(found) ? (found as { type?: string; status?: string }[]) : []
}
