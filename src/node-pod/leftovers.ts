import { podPath } from '../model/api-path.js'
import { isCode } from '../model/errors.js'
import { asArray, asNumber, asString, at } from '../model/json.js'
import type { NodePodLeftover } from '../model/node-pod-plan.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import { LIFETIME_S } from './manifest.js'
import { CASE_LABEL, NODE_POD_LABEL, OWNER_ANNOTATION, RUN_LABEL, type NodePodOwner } from './names.js'

/** Whether the process that started a node pod still lives, as far as can be told from here; undefined where it can't. */
export type IsAlive = (owner: Pick<NodePodOwner, 'host' | 'pid'>) => boolean | undefined

const SELECTOR = { labelSelector: `${NODE_POD_LABEL}=true` }

/**
 * What runs that are over left behind: their process is gone, or the pod's own time is up. What another machine's run may
 * still be using is no leftover. Where it may not be listed there is nothing that is known of.
 */
export async function findLeftovers(
  kube: KubeReader,
  where: {
    readonly namespace: string
    readonly now: Date
    readonly isAlive: IsAlive
    readonly signal: AbortSignal
    /** What may be listed in all namespaces; what may not is not asked for. */
    readonly may: { readonly pods: boolean; readonly namespaces: boolean }
  },
): Promise<readonly NodePodLeftover[]> {
  const [everywhere, namespaces] = await Promise.all([
    where.may.pods ? labelled(kube, '/api/v1/pods', where.signal) : undefined,
    where.may.namespaces ? labelled(kube, '/api/v1/namespaces', where.signal) : undefined,
  ])
  const pods = everywhere ?? (await labelled(kube, podPath(where.namespace), where.signal)) ?? []
  return [
    ...pods.filter((pod) => isOver(pod, where)).flatMap((pod) => describe('pod', pod)),
    ...(namespaces ?? []).filter((one) => isOver(one, where)).flatMap((one) => describe('namespace', one)),
  ]
}

async function labelled(
  kube: KubeReader,
  path: Parameters<KubeReader['list']>[0],
  signal: AbortSignal,
): Promise<readonly unknown[] | undefined> {
  const found: unknown[] = []
  try {
    for await (const { body } of kube.list(path, { signal, query: SELECTOR })) {
      found.push(...asArray(at(JSON.parse(body.toString('utf8')), 'items')))
    }
    return found
  } catch (error) {
    if (isCode(error, 'forbidden', 'not-found')) return undefined
    throw error
  }
}

function isOver(
  object: unknown,
  { now, isAlive }: { readonly now: Date; readonly isAlive: IsAlive },
): boolean {
  if (at(object, 'metadata', 'deletionTimestamp') !== undefined) return false
  if (['Failed', 'Succeeded'].includes(asString(at(object, 'status', 'phase')) ?? '')) return true
  const created = Date.parse(asString(at(object, 'metadata', 'creationTimestamp')) ?? '')
  if (now.getTime() - created > (LIFETIME_S + 600) * 1000) return true
  const owner = ownerOf(object)
  return owner !== undefined && isAlive(owner) === false
}

function ownerOf(object: unknown): Pick<NodePodOwner, 'host' | 'pid'> | undefined {
  try {
    const owner: unknown = JSON.parse(asString(at(object, 'metadata', 'annotations', OWNER_ANNOTATION)) ?? '')
    const [host, pid] = [asString(at(owner, 'host')), asNumber(at(owner, 'pid'))]
    return host === undefined || pid === undefined ? undefined : { host, pid }
  } catch {
    return undefined // not as we write it: its time will come
  }
}

function describe(kind: NodePodLeftover['kind'], object: unknown): readonly NodePodLeftover[] {
  const name = asString(at(object, 'metadata', 'name'))
  const uid = asString(at(object, 'metadata', 'uid'))
  if (name === undefined || uid === undefined) return []
  return [
    {
      kind,
      namespace: kind === 'namespace' ? name : (asString(at(object, 'metadata', 'namespace')) ?? ''),
      name,
      uid,
      case: asString(at(object, 'metadata', 'annotations', CASE_LABEL)) ?? '',
      run: asString(at(object, 'metadata', 'labels', RUN_LABEL)) ?? '',
    },
  ]
}
