import { readMembers } from '../evidence/read-archive.js'
import { listStates, openState, type StateFacts } from '../evidence/index.js'
import { verifyArchive } from '../evidence/verify.js'
import { entriesFromAnnotation } from '../containment/index.js'
import type { KubeConnection } from '../kube/connect.js'
import type { LogLine, WriteIntent, WriteOutcome } from '../model/acquisition.js'
import type { JournalEntry } from '../model/containment.js'
import { ImpoundError } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { KubeReader } from '../model/ports/kube-reader.js'
import type { Scene } from '../model/scene.js'
import type { Target } from '../model/target.js'
import { stateDirectory } from './system.js'
import { resolveTargets, type TargetRequest } from './targets.js'

export type Held = Pick<Target, 'namespace' | 'name' | 'uid'>

/** What is known of one quarantine, and from where. */
export interface ReleaseSource {
  readonly target: Held
  readonly source: 'state' | 'archive' | 'annotation'
  readonly entries: readonly JournalEntry[]
  readonly facts: StateFacts
}

/** The namespace kube-system's UID; where it can't be read, the name under which such clusters' states are kept. */
export async function clusterUid(kube: KubeConnection, signal: AbortSignal): Promise<string> {
  try {
    const { body } = await kube.reader.get('/api/v1/namespaces/kube-system', { signal })
    return asString(at(JSON.parse(body.toString('utf8')), 'metadata', 'uid')) ?? UNKNOWN_CLUSTER
  } catch (error) {
    if (error instanceof ImpoundError && error.code !== 'forbidden') throw error
    return UNKNOWN_CLUSTER
  }
}

export const UNKNOWN_CLUSTER = 'unknown-cluster'

/**
 * By state file where there is one, also for a pod that is gone; else by the pod's own annotation. Throws not-found where
 * nothing of the kind is known.
 */
export async function sourcesFor(
  kube: KubeConnection,
  cluster: string,
  request: TargetRequest,
  signal: AbortSignal,
): Promise<readonly ReleaseSource[]> {
  const sources: ReleaseSource[] = []
  const unknown: string[] = []
  const held = await heldBy(request, cluster)
  for (const name of request.names) {
    const bare = name.replace(/^(?:po|pod|pods)\//, '')
    const ofName = held.filter(({ target }) => target.name === bare && target.namespace === request.namespace)
    if (ofName.length > 0) sources.push(...ofName)
    else unknown.push(name)
  }
  if (unknown.length > 0 || request.selector !== undefined) {
    const targets = await resolveTargets(kube.reader, { ...request, names: unknown }, signal)
    for (const target of targets) {
      const known = held.find(({ target: { uid } }) => uid === target.uid)
      sources.push(known ?? annotationSource(target, kube.reader.facts))
    }
  }
  return [...new Map(sources.map((source) => [source.target.uid, source])).values()]
}

async function heldBy(request: TargetRequest, cluster: string): Promise<readonly ReleaseSource[]> {
  const states = await listStates(stateDirectory())
  const sources: ReleaseSource[] = []
  for (const state of states) {
    const facts = state.facts()
    if (facts === undefined || !state.path.split('/').includes(cluster)) continue
    sources.push({ target: facts.target, source: 'state', entries: state.entries(), facts })
  }
  return sources.filter(({ target }) => target.namespace === request.namespace)
}

/** What the pod's own annotation says. Throws not-found where it has none of ours. */
export function annotationSource(target: Target, cluster: KubeReader['facts']): ReleaseSource {
  const entries = entriesFromAnnotation(target.pod)
  if (entries.length === 0) {
    throw new ImpoundError(
      'not-found',
      `${target.namespace}/${target.name} is not held: no state file, no annotation`,
      {
        hints: [
          'if it was quarantined from another machine, give that run’s archive: impound release --from ARCHIVE',
        ],
      },
    )
  }
  return {
    target: { namespace: target.namespace, name: target.name, uid: target.uid },
    source: 'annotation',
    entries,
    facts: {
      case: asString(at(entries[0]?.intent.prior, 'case')) ?? '',
      run: '',
      who: '',
      archive: '',
      context: cluster.context,
      server: cluster.url,
      target: { namespace: target.namespace, name: target.name, uid: target.uid },
    },
  }
}

/**
 * From the acquisition log in an archive, which must verify and be of this cluster. Throws integrity, target-changed (another
 * cluster), not-found (no quarantine in it).
 */
export async function sourcesFromArchive(
  archive: string,
  cluster: string,
  kube: KubeConnection,
  signal: AbortSignal,
): Promise<readonly ReleaseSource[]> {
  const report = await verifyArchive(archive, { signal })
  if (!report.ok) {
    throw new ImpoundError('integrity', `${archive} does not verify: it may not say what was done`, {
      hints: [`see what is wrong: impound verify ${archive}`],
    })
  }
  const { scene, entries } = await journalIn(archive, signal)
  if (scene === undefined || entries.length === 0) {
    throw new ImpoundError(
      'not-found',
      `${archive} holds no change to a cluster: there is nothing to release by it`,
      {
        hints: [
          'a later run on a pod that the case holds already changes nothing: give the archive of the first run that did',
          'or release the pod by its name, where the state file of that run is: impound release POD',
        ],
      },
    )
  }
  if ((scene.where.clusterUid ?? UNKNOWN_CLUSTER) !== cluster) {
    throw new ImpoundError('target-changed', `${archive} is of another cluster (${scene.where.context})`, {
      hints: ['choose the right one with --context or --kubeconfig'],
    })
  }
  const targets = new Map(
    entries.flatMap(({ intent }) =>
      intent.target === undefined ? [] : [[intent.target.uid, intent.target]],
    ),
  )
  return [...targets.values()].map((target) => ({
    target,
    source: 'archive',
    entries: entries.filter(({ intent }) => intent.target?.uid === target.uid),
    facts: {
      case: scene.case,
      run: scene.run,
      who: scene.who.user ?? scene.who.osUser,
      archive,
      context: kube.reader.facts.context,
      server: kube.reader.facts.url,
      target,
    },
  }))
}

async function journalIn(
  archive: string,
  signal: AbortSignal,
): Promise<{ readonly scene: Scene | undefined; readonly entries: readonly JournalEntry[] }> {
  let scene: Scene | undefined
  const intents: WriteIntent[] = []
  const outcomes = new Map<string, WriteOutcome>()
  for await (const { bytes } of readMembers(archive, (name) => name.endsWith('/acquisition.jsonl'), {
    signal,
  })) {
    for (const text of bytes.toString('utf8').split('\n')) {
      if (text === '') continue
      const line = JSON.parse(text) as LogLine
      if (line.type === 'scene') scene = line.scene
      if (line.type === 'intent') intents.push(line.intent)
      if (line.type === 'result') outcomes.set(line.result.id, line.result)
    }
  }
  const entries = intents.map((intent) => {
    const outcome = outcomes.get(intent.id)
    return { intent, ...(outcome === undefined ? {} : { outcome }) }
  })
  return { scene, entries }
}

/** The state file of a release: the quarantine's own, or a new one where the quarantine was done elsewhere. */
export async function stateOf(cluster: string, source: ReleaseSource): ReturnType<typeof openState> {
  const state = await openState(stateDirectory(), cluster, source.target.uid)
  if (state.facts() === undefined) await state.describe(source.facts)
  return state
}
