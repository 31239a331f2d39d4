import { podPath, type AccessRule } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { asArray, asObject, asString, at } from '../model/json.js'
import type { LabelSelector, Pod } from '../model/kubernetes.js'
import type { KubeReader, RawResponse } from '../model/ports/kube-reader.js'
import { notAPodIn } from '../model/pod-shape.js'
import { selectorMatches } from '../model/selector.js'
import type { Target } from '../model/target.js'

/** What the user named: arguments such as NAME, pod/NAME, deploy/NAME, or a label selector. */
export interface TargetRequest {
  readonly names: readonly string[]
  readonly selector?: string
  readonly namespace: string
}

/** Kinds whose pods can be meant, by the short and long names that kubectl knows. */
const WORKLOADS: Readonly<Record<string, { readonly group: string; readonly resource: string }>> = {
  ...alias({ group: 'apps', resource: 'deployments' }, 'deploy', 'deployment', 'deployments'),
  ...alias({ group: 'apps', resource: 'statefulsets' }, 'sts', 'statefulset', 'statefulsets'),
  ...alias({ group: 'apps', resource: 'daemonsets' }, 'ds', 'daemonset', 'daemonsets'),
  ...alias({ group: 'apps', resource: 'replicasets' }, 'rs', 'replicaset', 'replicasets'),
  ...alias({ group: 'batch', resource: 'jobs' }, 'job', 'jobs'),
}
const CRONJOB_NAMES = new Set(['cronjob', 'cronjobs', 'cj'])
const POD_NAMES = new Set(['pod', 'pods', 'po'])

function alias<Value>(value: Value, ...names: readonly string[]): Record<string, Value> {
  return Object.fromEntries(names.map((name) => [name, value]))
}

/** What it takes to find them. */
export function targetAccess({ names, selector, namespace }: TargetRequest): readonly AccessRule[] {
  const kinds = names.flatMap((name) =>
    name.includes('/') ? [name.split('/', 1)[0]?.toLowerCase() ?? ''] : [],
  )
  const workloads = kinds.flatMap((kind) => WORKLOADS[kind] ?? [])
  const lists = selector !== undefined || kinds.some((kind) => !POD_NAMES.has(kind))
  return [
    { verb: 'get', group: '', resource: 'pods', namespace },
    ...(lists ? [{ verb: 'list', group: '', resource: 'pods', namespace } as const] : []),
    ...workloads.map((workload) => ({ verb: 'get', ...workload, namespace }) as const),
    ...(kinds.some((kind) => CRONJOB_NAMES.has(kind))
      ? [{ verb: 'list', group: 'batch', resource: 'jobs', namespace } as const]
      : []),
  ]
}

/**
 * The pods that are meant, sorted by name, each with its UID. Throws usage, not-found (also where a workload has no pods),
 * forbidden and what KubeReader throws.
 */
export async function resolveTargets(
  kube: KubeReader,
  request: TargetRequest,
  signal: AbortSignal,
): Promise<readonly Target[]> {
  if (request.names.length === 0 && request.selector === undefined) {
    throw new ImpoundError('usage', 'no pod is named', {
      hints: ['give a TARGET such as web-6dd6bfc4b-x2x7k or deploy/web, or a selector: -l app=web'],
    })
  }
  const found = new Map<string, Target>()
  for (const name of request.names) {
    for (const target of await resolveName(kube, name, request.namespace, signal))
      found.set(target.uid, target)
  }
  if (request.selector !== undefined) {
    const pods = await podsBy(kube, request.namespace, { labelSelector: request.selector }, signal)
    if (pods.length === 0) {
      throw new ImpoundError('not-found', `no pod matches -l ${request.selector} in ${request.namespace}`, {
        hints: [`see what is there: kubectl get pods -n ${request.namespace} --show-labels`],
      })
    }
    for (const target of pods) found.set(target.uid, target)
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function resolveName(
  kube: KubeReader,
  given: string,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Target[]> {
  const [kind, name] = given.includes('/') ? given.split('/', 2) : ['pod', given]
  if (kind === undefined || name === undefined || name === '') {
    throw new ImpoundError('usage', `"${given}" names no pod`, {
      hints: ['write NAME, pod/NAME or deploy/NAME'],
    })
  }
  const lower = kind.toLowerCase()
  if (POD_NAMES.has(lower)) return [await podNamed(kube, namespace, name, signal)]
  if (CRONJOB_NAMES.has(lower)) return podsOfCronJob(kube, namespace, name, signal)
  const workload = WORKLOADS[lower]
  if (workload === undefined) {
    throw new ImpoundError('usage', `"${kind}" is no kind that has pods`, {
      hints: ['one of pod, deploy, sts, ds, rs, job, cronjob'],
    })
  }
  return podsOfWorkload(kube, workload, namespace, name, signal)
}

async function podNamed(
  kube: KubeReader,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Target> {
  try {
    return toTarget(parse(await kube.get(podPath(namespace, name), { signal })))
  } catch (error) {
    if (!isCode(error, 'not-found')) throw error
    throw new ImpoundError('not-found', `there is no pod ${name} in ${namespace}`, {
      cause: error,
      hints: [`see what is there: kubectl get pods -n ${namespace}`, 'in another namespace? give it with -n'],
    })
  }
}

async function podsOfWorkload(
  kube: KubeReader,
  workload: { readonly group: string; readonly resource: string },
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly Target[]> {
  const object = parse(await kube.get({ ...workload, version: 'v1', namespace, name }, { signal }))
  const selector = asObject(at(object, 'spec', 'selector')) as LabelSelector | undefined
  if (selector === undefined) {
    throw new ImpoundError('not-found', `${workload.resource}/${name} has no selector, so it has no pods`)
  }
  const uid = asString(at(object, 'metadata', 'uid')) ?? ''
  const pods = (await podsBy(kube, namespace, {}, signal)).filter((target) =>
    selectorMatches(selector, target.pod.metadata?.labels ?? {}),
  )
  const owned =
    workload.resource === 'deployments' ? pods : pods.filter((target) => isOwnedBy(target.pod, uid))
  if (owned.length === 0) {
    throw new ImpoundError('not-found', `${workload.resource}/${name} in ${namespace} has no pods now`)
  }
  return owned
}

async function podsOfCronJob(
  kube: KubeReader,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<readonly Target[]> {
  const jobs: unknown[] = []
  for await (const page of kube.list(
    { group: 'batch', version: 'v1', resource: 'jobs', namespace },
    { signal },
  )) {
    jobs.push(...asArray(at(parse(page), 'items')))
  }
  const owners = new Set(
    jobs
      .filter((job) =>
        asArray(at(job, 'metadata', 'ownerReferences')).some(
          (owner) => at(owner, 'kind') === 'CronJob' && at(owner, 'name') === name,
        ),
      )
      .map((job) => asString(at(job, 'metadata', 'uid'))),
  )
  const pods = await podsBy(kube, namespace, {}, signal)
  const owned = pods.filter(({ pod }) =>
    (pod.metadata?.ownerReferences ?? []).some(({ uid }) => owners.has(uid)),
  )
  if (owned.length === 0)
    throw new ImpoundError('not-found', `cronjob/${name} in ${namespace} has no pods now`)
  return owned
}

function isOwnedBy(pod: Pod, uid: string): boolean {
  return (pod.metadata?.ownerReferences ?? []).some((owner) => owner.uid === uid)
}

async function podsBy(
  kube: KubeReader,
  namespace: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<readonly Target[]> {
  const targets: Target[] = []
  for await (const page of kube.list(podPath(namespace), { signal, query })) {
    targets.push(...asArray(at(parse(page), 'items')).map(toTarget))
  }
  return targets
}

function parse(response: RawResponse): unknown {
  try {
    return JSON.parse(response.body.toString('utf8'))
  } catch (cause) {
    throw new ImpoundError('server', `the answer to ${response.path} is no JSON`, {
      cause,
      hints: ['is there a proxy between you and the API server?'],
    })
  }
}

function toTarget(object: unknown): Target {
  const pod = object as Pod
  const { namespace, name, uid } = pod.metadata ?? {}
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof uid !== 'string' || uid === '') {
    throw new ImpoundError('server', 'the API server sent a pod without namespace, name or UID')
  }
  const where = notAPodIn(object)
  if (where !== undefined)
    throw new ImpoundError('server', `the API server sent a pod that is none: ${where}`)
  return { namespace, name, uid, pod }
}
