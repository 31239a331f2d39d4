import type { ReadContext, Suspect } from '../../model/containment.js'
import { asNumber, asString, at } from '../../model/json.js'
import type { KubeObject } from '../../model/kubernetes.js'
import { denyAllName } from '../deny-all.js'
import { marksOf } from '../marks.js'
import { listObjects } from '../reading.js'
import type { DenyFamily } from './deny-objects.js'

const MOST = 1000
const MOST_NAMED = 5

type Place = { readonly order: number; readonly before: readonly string[] } | { readonly why: string }

/**
 * The number at which a deny stands among others of its kind, lower ones first: the lowest that is free, since what happens at equal ones is
 * not defined; that of ours where it stands already. What comes before it is named.
 */
export async function orderFor(
  { kube, run }: ReadContext,
  { group, ordered, family }: DenyFamily,
  version: string,
  suspect: Suspect,
): Promise<Place> {
  if (ordered === undefined) return { order: 0, before: [] }
  const { resource, field, lowest } = ordered
  const all = await listObjects<KubeObject>(kube, { group, version, resource }, run.signal)
  const name = denyAllName(suspect)
  const ours = all.find(({ metadata }) => metadata?.name === name)
  const peers = all.filter((one) => one !== ours && competes(one, family))
  const taken = new Map(peers.map((one) => [orderOf(one, field), one.metadata?.name ?? '']))
  const standing = ours !== undefined && marksOf(ours).uid === suspect.uid ? orderOf(ours, field) : undefined
  let order = standing ?? lowest
  while (standing === undefined && taken.has(order) && order < MOST) order += 1
  if (taken.has(order) && standing === undefined) return { why: 'no priority is free' }
  const earlier = [...taken]
    .filter(([one]) => one !== undefined && one <= order)
    .map(([, title]) => title)
    .sort()
  return { order, before: named(earlier, resource) }
}

/** Of Antrea's and of v1alpha2 only those of the same tier. */
function competes(object: KubeObject, family: DenyFamily['family']): boolean {
  const tier = asString(at(object, 'spec', 'tier')) ?? ''
  if (family === 'antrea') return tier.toLowerCase() === 'emergency'
  if (family === 'cluster-network-policy') return tier === 'Admin'
  return true
}

function orderOf(object: KubeObject, field: string): number | undefined {
  return asNumber(at(object, 'spec', field))
}

function named(names: readonly string[], resource: string): readonly string[] {
  if (names.length === 0) return []
  const shown = names.slice(0, MOST_NAMED).join(', ')
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  return [`what ${resource} ${shown}${more} allows comes before the deny, and is not evaluated`]
}
