import { asObject, asString, asStringMap, at, type Json } from '../model/json.js'
import type { OwnerReference, Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'

const MAX_BYTES = 256 * 1024

/** What the annotation on a held pod says. It is a copy for other responders: whoever may edit the pod may edit it. */
export interface Lock {
  readonly case: string
  readonly who: string
  /** RFC 3339. */
  readonly when: string
  /** Labels before the first change. */
  readonly labels: Readonly<Record<string, string>>
  /** What stood before at the annotations that `protect` sets; absent in locks of versions that set none. */
  readonly annotations?: Readonly<Record<string, string>>
  /** The controller that held the pod before: what would adopt it on release. */
  readonly owner?: OwnerReference
  /** Version of impound that wrote it. */
  readonly tool: string
}

export type LockState =
  | { readonly state: 'free' }
  | { readonly state: 'held'; readonly lock: Lock; readonly value: string }
  | { readonly state: 'unreadable'; readonly value: string }

export function lockOf(pod: Pod): LockState {
  const value = pod.metadata?.annotations?.[QUARANTINE_KEY]
  if (value === undefined) return { state: 'free' }
  const lock = value.length <= MAX_BYTES ? parseLock(value) : undefined
  return lock === undefined ? { state: 'unreadable', value } : { state: 'held', lock, value }
}

export function lockValue(lock: Lock): string {
  return JSON.stringify(lock)
}

function parseLock(value: string): Lock | undefined {
  let json: Json
  try {
    json = JSON.parse(value) as Json
  } catch {
    return undefined
  }
  const text = (key: string): string | undefined => asString(at(json, key))
  const [caseName, who, when, tool] = [text('case'), text('who'), text('when'), text('tool')]
  if (caseName === undefined || who === undefined || when === undefined || tool === undefined)
    return undefined
  if (asObject(at(json, 'labels')) === undefined) return undefined
  const owner = asObject(at(json, 'owner'))
  const annotations = asObject(at(json, 'annotations'))
  return {
    case: caseName,
    who,
    when,
    labels: asStringMap(at(json, 'labels')),
    ...(annotations === undefined ? {} : { annotations: asStringMap(annotations) }),
    ...(owner === undefined ? {} : { owner: asStringMap(owner) }),
    tool,
  }
}

/** The controller among the owner references, without what a lock does not need. */
export function controllerOf(pod: Pod): OwnerReference | undefined {
  const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return undefined
  const { apiVersion = '', kind = '', name = '', uid = '' } = owner
  return { apiVersion, kind, name, uid }
}
