import { podPath, type AccessRule } from '../model/api-path.js'
import { isCode, messageOf } from '../model/errors.js'
import type { RecordingReader } from '../model/collector.js'
import { asArray, at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import { containersOf, type Target } from '../model/target.js'

/** How suspect and owner stand when the run ends. */
export interface Aftermath {
  readonly schema: 'impound/aftermath/v1'
  readonly derivedFrom: readonly string[]
  readonly suspect: 'alive' | 'gone' | 'replaced by another pod of its name' | 'unknown'
  /** Restarts since the target was resolved. */
  readonly restarts: number
  /** Pods that the former owner made since the run began; absent where pods can't be listed. */
  readonly replacements?: readonly { readonly name: string; readonly ready: boolean }[]
  /** Why something is not known, a line each. */
  readonly unknown: readonly string[]
}

export function aftermathAccess(namespace: string): readonly AccessRule[] {
  return [{ verb: 'list', group: '', resource: 'pods', namespace }]
}

/**
 * Looks once more, by a reader that asks anew; the bodies stay in the archive. `since` is RFC 3339 by the local clock,
 * `skewMs` how far the API server's may be behind it.
 */
export async function aftermath(
  api: RecordingReader,
  target: Target,
  since: string,
  skewMs: number,
): Promise<Aftermath> {
  const unknown: string[] = []
  const derivedFrom: string[] = []
  const tell = (error: unknown): undefined => {
    if (isCode(error, 'storage')) throw error
    unknown.push(messageOf(error))
    return undefined
  }
  const standing = await stateOf(api, target, derivedFrom).catch(tell)
  const replacements = await replacementsOf(api, target, since, skewMs, derivedFrom).catch(tell)
  return {
    schema: 'impound/aftermath/v1',
    derivedFrom,
    ...(standing ?? { suspect: 'unknown', restarts: 0 }),
    ...(replacements === undefined ? {} : { replacements }),
    unknown,
  }
}

async function stateOf(
  api: RecordingReader,
  target: Target,
  derivedFrom: string[],
): Promise<Pick<Aftermath, 'suspect' | 'restarts'>> {
  try {
    const read = await api.get(podPath(target.namespace, target.name))
    derivedFrom.push(read.artefact)
    const pod = read.json as Pod
    if (pod.metadata?.uid !== target.uid)
      return { suspect: 'replaced by another pod of its name', restarts: 0 }
    return { suspect: 'alive', restarts: restartsOf(pod) - restartsOf(target.pod) }
  } catch (error) {
    if (isCode(error, 'not-found')) return { suspect: 'gone', restarts: 0 }
    throw error
  }
}

async function replacementsOf(
  api: RecordingReader,
  target: Target,
  since: string,
  skewMs: number,
  derivedFrom: string[],
): Promise<NonNullable<Aftermath['replacements']>> {
  const owner = target.pod.metadata?.ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return []
  // creationTimestamp has whole seconds, by the API server's clock
  const from = Math.floor((Date.parse(since) + skewMs) / 1000) * 1000
  const pages = await api.list(podPath(target.namespace))
  derivedFrom.push(...pages.map((page) => page.artefact))
  return (pages.flatMap((page) => asArray(at(page.json, 'items'))) as readonly Pod[])
    .filter(({ metadata }) => metadata?.uid !== target.uid)
    .filter(({ metadata }) => metadata?.ownerReferences?.some(({ uid }) => uid === owner.uid) ?? false)
    .filter(({ metadata }) => Date.parse(metadata?.creationTimestamp ?? '') >= from)
    .map((pod) => ({ name: pod.metadata?.name ?? '', ready: isReady(pod) }))
}

export function restartsOf(pod: Pod): number {
  return containersOf(pod).reduce((sum, container) => sum + container.restartCount, 0)
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}
