import { actions, heldPods, standingBeside } from '../containment/index.js'
import { listStates } from '../evidence/index.js'
import type { KubeConnection } from '../kube/connect.js'
import { podPath, type ApiPath } from '../model/api-path.js'
import type { JournalEntry } from '../model/containment.js'
import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { EXIT, worstExit, type ExitStatus } from '../model/exit.js'
import type { HoldStatus, QuarantineStatus } from '../model/hold-status.js'
import { asArray, asString, at } from '../model/json.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import type { RunContext } from '../model/ports/run-context.js'
import { noWishes } from './no-wishes.js'
import { planContext } from './prepare.js'
import { clusterUid, UNKNOWN_CLUSTER } from './release-source.js'
import type { ClusterRequest } from './request.js'
import { stateDirectory } from './system.js'

/** What a user asked of quarantine status. */
export interface StatusRequest {
  readonly cluster: ClusterRequest
  /** NAME or pod/NAME; all of the namespace where none is given. */
  readonly names: readonly string[]
  readonly allNamespaces: boolean
}

/** What was found, and the versions of the lists it was found in: from there on changes count. */
export interface StatusLook {
  readonly status: QuarantineStatus
  readonly versions: { readonly pods?: string; readonly policies?: string }
}

const NEVER_TRIED = [
  "traffic from the pod's own network: whether anything enforces the policies",
  'connections that were open before the cut',
]

export const PODS = { group: '', version: 'v1', resource: 'pods' } as const
export const POLICIES = { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies' } as const

/**
 * Everything that is held where the user looks, and whether it stands. Reads only. Throws usage for a name that is no pod's,
 * not-found where a named pod is not held, forbidden where pods can't be read at all.
 */
export async function quarantineStatus(
  kube: KubeConnection,
  request: StatusRequest,
  run: RunContext,
): Promise<StatusLook> {
  const { facts } = kube.reader
  const names = request.names.map(podName)
  const namespace = request.allNamespaces ? undefined : facts.namespace
  const cluster = await clusterUid(kube, run.signal)
  const [pods, policies, entries] = await Promise.all([
    readPods(kube, namespace, names, run.signal),
    readPolicies(kube, namespace, run.signal),
    entriesOf(cluster),
  ])
  const found = heldPods(
    { pods: pods.items, policies: policiesBy(policies), entries },
    namespace === undefined ? namespacesOf(pods.items, policies, entries) : [namespace],
  )
  const asked = names.length === 0 ? found : found.filter(({ name }) => names.includes(name ?? ''))
  const holds = await Promise.all(
    asked.map(async (hold) => {
      const options = await noWishes({ case: hold.case ?? '', who: hold.who ?? '' })
      return standingBeside(planContext(kube, run), hold, entries, actions(options))
    }),
  )
  const status: QuarantineStatus = {
    schema: 'impound/quarantine-status/v1',
    exitStatus: exitOf(holds),
    at: run.clock.now().toISOString(),
    cluster: { context: facts.context, server: facts.url },
    ...(namespace === undefined ? {} : { namespace }),
    holds,
    notTried: [
      ...NEVER_TRIED,
      ...(cluster === UNKNOWN_CLUSTER
        ? ["this machine's records: which cluster this is could not be read (get namespaces kube-system)"]
        : []),
    ],
  }
  const versions = {
    ...(pods.version === undefined ? {} : { pods: pods.version }),
    ...('why' in policies ? {} : { policies: policies.version }),
  }
  return { status, versions }
}

/** Throws not-found for a name that was asked for and is not held. */
export function requireNamed({ holds, namespace }: QuarantineStatus, names: readonly string[]): void {
  const missing = names.map(podName).find((wanted) => !holds.some(({ name }) => name === wanted))
  if (missing === undefined) return
  throw new ImpoundError(
    'not-found',
    `${namespace ?? ''}/${missing} is not held: no annotation, label or record`,
    {
      hints: ['see what is held: impound quarantine status -A'],
    },
  )
}

function podName(given: string): string {
  const match = /^(?:(?:po|pod|pods)\/)?([^/]+)$/.exec(given)
  if (match?.[1] !== undefined) return match[1]
  throw new ImpoundError('usage', `"${given}" names no pod`, {
    hints: ['a held pod is in no workload any more: write NAME or pod/NAME, or leave it out to see all'],
  })
}

/** 7 where one does not hold; 4 where a right is missing to say so. */
function exitOf(holds: readonly HoldStatus[]): ExitStatus {
  return worstExit(
    holds.map(({ state }) => {
      switch (state) {
        case 'holds':
          return EXIT.done
        case 'unknown':
          return EXIT.forbidden
        case 'does-not-hold':
        case 'pod-gone':
          return EXIT.containment
      }
    }),
  )
}

interface Listed<Kind> {
  readonly items: readonly Kind[]
  readonly version: string
}

/** All of them, since an annotation can't be selected by; where they may not be listed, those that are named. */
async function readPods(
  kube: KubeConnection,
  namespace: string | undefined,
  names: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly items: readonly Pod[]; readonly version?: string }> {
  const path = { ...PODS, ...(namespace === undefined ? {} : { namespace }) }
  try {
    return await listed<Pod>(kube, path, signal)
  } catch (error) {
    if (!isCode(error, 'forbidden') || names.length === 0 || namespace === undefined) throw error
    const pods = await Promise.all(names.map((name) => podNamed(kube, namespace, name, signal)))
    return { items: pods.flatMap((pod) => pod ?? []) }
  }
}

async function podNamed(
  kube: KubeConnection,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  try {
    const { body } = await kube.reader.get(podPath(namespace, name), { signal })
    return JSON.parse(body.toString('utf8')) as Pod
  } catch (error) {
    if (isCode(error, 'not-found')) return undefined
    throw error
  }
}

type Policies = Listed<NetworkPolicy> | { readonly why: string }

async function readPolicies(
  kube: KubeConnection,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<Policies> {
  try {
    return await listed<NetworkPolicy>(
      kube,
      { ...POLICIES, ...(namespace === undefined ? {} : { namespace }) },
      signal,
    )
  } catch (error) {
    if (!isCode(error, 'forbidden')) throw error
    return { why: messageOf(error) }
  }
}

async function listed<Kind>(kube: KubeConnection, path: ApiPath, signal: AbortSignal): Promise<Listed<Kind>> {
  const items: Kind[] = []
  let version = ''
  for await (const { body } of kube.reader.list(path, { signal })) {
    const page: unknown = JSON.parse(body.toString('utf8'))
    items.push(...(asArray(at(page, 'items')) as readonly unknown[] as readonly Kind[]))
    version = asString(at(page, 'metadata', 'resourceVersion')) ?? ''
  }
  return { items, version }
}

function policiesBy(
  policies: Policies,
): (namespace: string) => readonly NetworkPolicy[] | { readonly why: string } {
  if ('why' in policies) return () => policies
  const by = Map.groupBy(policies.items, ({ metadata }) => metadata?.namespace ?? '')
  return (namespace) => by.get(namespace) ?? []
}

function namespacesOf(
  pods: readonly Pod[],
  policies: Policies,
  entries: readonly JournalEntry[],
): readonly string[] {
  const objects = 'why' in policies ? pods : [...pods, ...policies.items]
  return [
    ...new Set([
      ...objects.map(({ metadata }) => metadata?.namespace ?? ''),
      ...entries.flatMap(({ intent }) => intent.target?.namespace ?? []),
    ]),
  ]
}

async function entriesOf(cluster: string): Promise<readonly JournalEntry[]> {
  const states = await listStates(stateDirectory())
  return states.filter(({ path }) => path.split('/').includes(cluster)).flatMap((state) => state.entries())
}
