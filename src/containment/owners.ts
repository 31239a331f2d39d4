import { isCode } from '../model/errors.js'
import type { KubeObject, LabelSelector, OwnerReference, Pod } from '../model/kubernetes.js'
import type { KubeReader, ServedResource } from '../model/ports/kube-reader.js'
import type { OwnerPlan } from '../model/quarantine-plan.js'
import { selectorMatches } from '../model/selector.js'
import { readObject } from './reading.js'

const MAX_DEPTH = 8

interface Behaviour {
  readonly apiGroup: string
  readonly onQuarantine: string
  readonly onRelease: string
}

/** What the built-in controllers do with a pod that they no longer select, and with one that they select again. */
const BEHAVIOUR: Readonly<Record<string, Behaviour>> = {
  ReplicaSet: {
    apiGroup: 'apps',
    onQuarantine: 'lets the pod go and starts a replacement, from the same image',
    onRelease: 'adopts the pod again: one pod too many, one is deleted',
  },
  ReplicationController: {
    apiGroup: '',
    onQuarantine: 'lets the pod go and starts a replacement, from the same image',
    onRelease: 'adopts the pod again: one pod too many, one is deleted',
  },
  StatefulSet: {
    apiGroup: 'apps',
    onQuarantine:
      'lets the pod go, but can not create one of the same name while it lives; with OrderedReady the later ones wait too; its volume stays with it',
    onRelease: 'adopts the pod again; nothing dies',
  },
  DaemonSet: {
    apiGroup: 'apps',
    onQuarantine:
      'lets the pod go and starts a second one on the node; it stays Pending where a host port clashes',
    onRelease: 'adopts the pod again and keeps the oldest, the suspect; the newer one is deleted',
  },
  Job: {
    apiGroup: 'batch',
    onQuarantine:
      'lets the pod go and starts a replacement; activeDeadlineSeconds still ends the Job, not the pod',
    onRelease: 'adopts the pod again if it has not ended; one pod too many is deleted',
  },
}

/** Whether a controller of this kind is known to let a pod go that it no longer selects. */
export function letsGo(owner: OwnerReference | undefined): boolean {
  return behaviourOf(owner) !== undefined
}

function behaviourOf(owner: OwnerReference | undefined): Behaviour | undefined {
  const kind = owner?.kind ?? ''
  const behaviour = Object.hasOwn(BEHAVIOUR, kind) ? BEHAVIOUR[kind] : undefined
  return behaviour?.apiGroup === groupOf(owner) ? behaviour : undefined
}

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
  const warnings: string[] = []
  const chain: string[] = []
  let selector: LabelSelector | undefined
  let next = controller
  while (next !== undefined && chain.length < MAX_DEPTH) {
    chain.push(`${next.kind ?? ''} ${next.name ?? ''}`)
    const read = await readOwner(kube, next, namespace, signal)
    if ('why' in read) {
      warnings.push(`${next.kind ?? ''} ${next.name ?? ''} could not be read (${read.why})`)
      break
    }
    if (next === controller) selector = selectorOf(read.object)
    next = read.object.metadata?.ownerReferences?.find((owner) => owner.controller === true)
  }
  return { plan: ownerPlan(controller, chain, warnings), controller, selector, warnings }
}

function ownerPlan(
  controller: OwnerReference | undefined,
  chain: readonly string[],
  warnings: string[],
): OwnerPlan {
  if (controller === undefined) {
    return { kind: 'none', name: '', chain, onQuarantine: 'no owner: nothing happens', onRelease: 'nothing' }
  }
  const [kind, name] = [controller.kind ?? '', controller.name ?? '']
  const known = behaviourOf(controller)
  if (known !== undefined) {
    return { kind, name, chain, onQuarantine: known.onQuarantine, onRelease: known.onRelease }
  }
  warnings.push(
    `${kind} ${name} controls the pod, and is no controller of Kubernetes itself: it may delete the pod`,
  )
  return {
    kind,
    name,
    chain,
    onQuarantine: 'not known: a controller of this kind may keep the pod, put its labels back, or delete it',
    onRelease: 'not known',
  }
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

function groupOf(owner: OwnerReference | undefined): string {
  const apiVersion = owner?.apiVersion ?? ''
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
}
