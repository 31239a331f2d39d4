import type { JournalEntry } from '../model/containment.js'
import type { HoldSource, HoldStatus } from '../model/hold-status.js'
import type { NetworkPolicy, Pod } from '../model/kubernetes.js'
import { QUARANTINE_KEY } from '../model/quarantine-plan.js'
import type { Target } from '../model/target.js'
import { TWIN_KEY } from '../model/twin-label.js'
import { denyAllOf } from './deny-all.js'
import { holdsOf, type Hold } from './hold.js'
import { standingOf } from './standing.js'

/** What was read of the namespaces that are looked at. */
export interface Observed {
  /** Every pod, or those that are asked for by name. */
  readonly pods: readonly Pod[]
  /** By namespace. */
  readonly policies: (namespace: string) => readonly NetworkPolicy[] | { readonly why: string }
  /** Of this machine's records. */
  readonly entries: readonly JournalEntry[]
}

/**
 * Every hold of which there is a trace: an annotation or a label on a pod, a deny-all of ours, a record on this machine.
 * Sorted by namespace, name and UID.
 */
export function heldPods(observed: Observed, namespaces: readonly string[]): readonly HoldStatus[] {
  const byUid = new Map(observed.pods.map((pod) => [pod.metadata?.uid ?? '', pod]))
  const byName = new Map(observed.pods.map((pod) => [nameOf(pod), pod]))
  const holds = new Map(holdsOf(observed.entries).map((hold) => [hold.suspect.uid, hold]))
  const found = new Map<string, Trace>()
  const note = (target: Trace['target'], source: HoldSource): void => {
    const known = found.get(target.uid)
    found.set(target.uid, {
      target: { ...target, ...known?.target },
      sources: [...(known?.sources ?? []), source],
    })
  }
  for (const pod of observed.pods) {
    const { namespace = '', name = '', uid = '', annotations = {}, labels = {} } = pod.metadata ?? {}
    if (Object.hasOwn(annotations, QUARANTINE_KEY)) note({ namespace, name, uid }, 'annotation')
    if (Object.hasOwn(labels, QUARANTINE_KEY) && !Object.hasOwn(labels, TWIN_KEY))
      note({ namespace, name, uid }, 'label')
  }
  for (const { suspect } of holds.values()) {
    const { namespace, name, uid } = suspect
    if (namespaces.includes(namespace)) note({ namespace, name, uid }, 'state')
  }
  for (const namespace of namespaces) {
    const policies = observed.policies(namespace)
    if ('why' in policies) continue
    for (const policy of policies) {
      const uid = denyAllOf(policy)?.uid
      if (uid === undefined) continue
      const name = byUid.get(uid)?.metadata?.name
      note({ namespace, uid, ...(name === undefined ? {} : { name }) }, 'policy')
    }
  }
  return [...found.values()]
    .map((trace) => status(trace, observed, byUid, byName, holds))
    .sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1))
}

interface Trace {
  readonly target: Pick<Target, 'namespace' | 'uid'> & { readonly name?: string }
  readonly sources: readonly HoldSource[]
}

function status(
  { target, sources }: Trace,
  observed: Observed,
  byUid: ReadonlyMap<string, Pod>,
  byName: ReadonlyMap<string, Pod>,
  holds: ReadonlyMap<string, Hold>,
): HoldStatus {
  const pod = byUid.get(target.uid)
  const other = pod === undefined ? byName.get(`${target.namespace}/${target.name ?? ''}`) : undefined
  const replacedBy = other?.metadata?.uid
  return standingOf({
    target,
    pod,
    ...(replacedBy === undefined ? {} : { replacedBy }),
    journalled: holds.get(target.uid),
    policies: observed.policies(target.namespace),
    knownFrom: [...sources].sort(),
  })
}

function nameOf({ metadata }: Pod): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`
}

function sortKey({ namespace, name = '', uid }: HoldStatus): string {
  return `${namespace}\0${name}\0${uid}`
}
