import { isCode } from '../model/errors.js'
import type { KubeObject, LabelSelector, OwnerReference, Pod } from '../model/kubernetes.js'
import type { KubeReader, ServedResource } from '../model/ports/kube-reader.js'
import type { OwnerPlan } from '../model/quarantine-plan.js'
import { selectorMatches } from '../model/selector.js'
import { managedBy } from './managed-by.js'
import { groupOf, isMirror, saysOf } from './owner-behaviour.js'
import { readObject } from './reading.js'

const MAX_DEPTH = 8

export interface OwnerFacts {
  readonly plan: OwnerPlan
  readonly controller: OwnerReference | undefined
  /** Undefined where the owner could not be read or has none. */
  readonly selector: LabelSelector | undefined
  readonly warnings: readonly string[]
}

/** The pod's owner, the chain to its root, and what the owner will do. Owners that can't be read end the chain. */
export async function ownerFacts(kube: KubeReader, pod: Pod, signal: AbortSignal): Promise<OwnerFacts> {
  const namespace = pod.metadata?.namespace ?? ''
  const controller = pod.metadata?.ownerReferences?.find((owner) => owner.controller === true)
  const warnings = [...besideController(pod), ...keptBySource(pod)]
  const chain: string[] = []
  const read: KubeObject[] = []
  let next = controller
  while (next !== undefined && chain.length < MAX_DEPTH) {
    chain.push(titleOf(next))
    // the API says nothing of a static pod that its node does not
    if (isMirror(next)) break
    const found = await readOwner(kube, next, namespace, signal)
    if ('why' in found) {
      warnings.push(`${titleOf(next)} could not be read (${found.why})`)
      break
    }
    read.push({ ...found.object, kind: next.kind ?? '' })
    next = found.object.metadata?.ownerReferences?.find((owner) => owner.controller === true)
  }
  if (controller === undefined) {
    return { plan: { ...NOBODY, chain }, controller, selector: undefined, warnings }
  }
  const [nearest] = read
  const says = saysOf(controller, { pod, controller: nearest, root: read.at(-1) })
  if (says === undefined) {
    warnings.push(
      `${titleOf(controller)} controls the pod, and is no controller of Kubernetes itself: it may delete the pod; --detach-owner takes the pod from it first`,
    )
  }
  const plan = { kind: controller.kind ?? '', name: controller.name ?? '', chain, ...(says ?? NOT_KNOWN) }
  const selector = nearest === undefined ? undefined : selectorOf(nearest)
  return { plan, controller, selector, warnings }
}

const NOBODY = {
  kind: 'none',
  name: '',
  onQuarantine: 'no owner: nothing happens',
  onRelease: 'nothing',
} as const

const NOT_KNOWN = {
  onQuarantine: 'not known: a controller of this kind may keep the pod, put its labels back, or delete it',
  onRelease: 'not known',
} as const

function titleOf({ kind = '', name = '' }: OwnerReference): string {
  return `${kind} ${name}`
}

/** The garbage collector takes a pod along with its last owner, whether that controls it or not. */
function besideController(pod: Pod): readonly string[] {
  return (pod.metadata?.ownerReferences ?? [])
    .filter(({ controller }) => controller !== true)
    .map((owner) => `${titleOf(owner)} owns the pod without controlling it: deleting it may delete the pod`)
}

/** A pod that nothing controls may still be somebody's. */
function keptBySource(pod: Pod): readonly string[] {
  if (pod.metadata?.ownerReferences?.some(({ controller }) => controller === true) === true) return []
  const tool = managedBy(pod)
  return tool === undefined
    ? []
    : [`the pod is kept by ${tool}, which may put its labels back as its source has them`]
}

type ReadOwner = { readonly object: KubeObject } | { readonly why: string }

/** The owner, if it is there and still the one of that UID. */
export async function readOwner(
  kube: KubeReader,
  owner: OwnerReference,
  namespace: string,
  signal: AbortSignal,
): Promise<ReadOwner> {
  const [group, version] = [groupOf(owner), (owner.apiVersion ?? '').split('/').at(-1) ?? '']
  try {
    const { resources } = await kube.discover(signal)
    const served = resources.find(
      (each: ServedResource) =>
        each.group === group &&
        each.version === version &&
        each.kind === owner.kind &&
        !each.resource.includes('/'),
    )
    if (served === undefined)
      return { why: `this cluster does not serve ${owner.apiVersion ?? ''} ${owner.kind ?? ''}` }
    const object = await readObject<KubeObject>(
      kube,
      {
        group,
        version,
        resource: served.resource,
        ...(served.namespaced ? { namespace } : {}),
        name: owner.name ?? '',
      },
      signal,
    )
    if (object === undefined) return { why: 'it is gone' }
    return object.metadata?.uid === owner.uid ? { object } : { why: 'it is another object now' }
  } catch (error) {
    if (isCode(error, 'forbidden', 'unauthorized', 'not-found', 'unsupported', 'invalid')) {
      return { why: error.message }
    }
    throw error
  }
}

/** The selector of a built-in controller; a ReplicationController's is a plain map. */
export function selectorOf(owner: KubeObject): LabelSelector | undefined {
  const { spec } = owner as { readonly spec?: { readonly selector?: LabelSelector | Record<string, string> } }
  const selector = spec?.selector
  if (selector === undefined) return undefined
  return owner.kind === 'ReplicationController'
    ? { matchLabels: selector as Record<string, string> }
    : selector
}

/** Why the owner keeps the pod although labels went, if it does. */
export function stillSelected(
  { plan, selector }: OwnerFacts,
  labels: Readonly<Record<string, string>>,
): string | undefined {
  return selector !== undefined && selectorMatches(selector, labels)
    ? `${plan.kind} ${plan.name} still selects the pod by the labels that stay: it does not let go, and deleting it deletes the pod`
    : undefined
}

export function selectorKeys(selector: LabelSelector | undefined): readonly string[] {
  return [
    ...Object.keys(selector?.matchLabels ?? {}),
    ...(selector?.matchExpressions ?? []).map(({ key = '' }) => key),
  ]
}
