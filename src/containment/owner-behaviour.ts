import { asArray, asNumber, asString, at } from '../model/json.js'
import type { KubeObject, OwnerReference, Pod } from '../model/kubernetes.js'
import type { OwnerPlan } from '../model/quarantine-plan.js'

/** What a controller does with a pod that it no longer selects, and with one that it selects again. */
type Says = Pick<OwnerPlan, 'onQuarantine' | 'onRelease'>

/** Owners as far as they could be read: the controller and, where it has one, the object at the root of the chain. */
interface Seen {
  readonly pod: Pod
  readonly controller: KubeObject | undefined
  readonly root: KubeObject | undefined
}

interface Behaviour {
  readonly apiGroup: string
  says(seen: Seen): Says
}

const BEHAVIOUR: Readonly<Record<string, Behaviour>> = {
  ReplicaSet: { apiGroup: 'apps', says: replacing },
  ReplicationController: { apiGroup: '', says: replacing },
  StatefulSet: { apiGroup: 'apps', says: statefulSet },
  DaemonSet: { apiGroup: 'apps', says: daemonSet },
  Job: { apiGroup: 'batch', says: job },
}

/** Whether a controller of this kind is known to let a pod go that it no longer selects. */
export function letsGo(owner: OwnerReference | undefined): boolean {
  return behaviourOf(owner) !== undefined
}

/** What it will do, by its kind and by what its object says; undefined where nobody knows the kind. */
export function saysOf(owner: OwnerReference, seen: Seen): Says | undefined {
  return isMirror(owner) ? mirror(seen) : behaviourOf(owner)?.says(seen)
}

/** A static pod is owned by its node: its file there is what counts. */
export function isMirror({ kind, apiVersion }: OwnerReference): boolean {
  return kind === 'Node' && apiVersion === 'v1'
}

export function groupOf(owner: OwnerReference | undefined): string {
  const apiVersion = owner?.apiVersion ?? ''
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : ''
}

function behaviourOf(owner: OwnerReference | undefined): Behaviour | undefined {
  const kind = owner?.kind ?? ''
  const behaviour = Object.hasOwn(BEHAVIOUR, kind) ? BEHAVIOUR[kind] : undefined
  return behaviour?.apiGroup === groupOf(owner) ? behaviour : undefined
}

function replacing({ controller }: Seen): Says {
  return asNumber(at(controller, 'spec', 'replicas')) === 0
    ? {
        onQuarantine: 'lets the pod go; it wants none, and starts none',
        onRelease: 'adopts the pod again and deletes it: it wants none',
      }
    : {
        onQuarantine: 'lets the pod go and starts a replacement, from the same image',
        onRelease: 'adopts the pod again: one pod too many, one is deleted',
      }
}

function statefulSet({ controller }: Seen): Says {
  const parallel = at(controller, 'spec', 'podManagementPolicy') === 'Parallel'
  const claims =
    controller === undefined || asArray(at(controller, 'spec', 'volumeClaimTemplates')).length > 0
  return {
    onQuarantine: [
      'lets the pod go, but can not create one of the same name while it lives',
      ...(parallel ? [] : ['with OrderedReady the later ones wait too']),
      ...(claims ? ['its volume stays with it'] : []),
    ].join('; '),
    onRelease: 'adopts the pod again; nothing dies',
  }
}

function daemonSet({ pod }: Seen): Says {
  const ports = (pod.spec?.containers ?? [])
    .flatMap((container) => asArray(at(container, 'ports')))
    .flatMap((port) => asNumber(at(port, 'hostPort')) ?? [])
    .filter((port) => port > 0)
  return ports.length === 0
    ? {
        onQuarantine: 'lets the pod go and starts a second one on the node, from the same image',
        onRelease: 'adopts the pod again and keeps the oldest, the suspect; the newer one is deleted',
      }
    : {
        onQuarantine: `lets the pod go; the second one stays Pending, for the suspect holds host port ${ports.join(', ')} of the node`,
        onRelease: 'adopts the pod again and keeps the oldest, the suspect; the Pending one is deleted',
      }
}

function job({ controller, root }: Seen): Says {
  const conditions = asArray(at(controller, 'status', 'conditions'))
  const ended = conditions.some(
    (one) => ['Complete', 'Failed'].includes(asString(at(one, 'type')) ?? '') && at(one, 'status') === 'True',
  )
  const deadline = asNumber(at(controller, 'spec', 'activeDeadlineSeconds'))
  const what = ended
    ? 'has ended: lets the pod go and starts none'
    : 'lets the pod go and starts a replacement'
  const rest = [
    ...(deadline === undefined || ended
      ? []
      : [`its activeDeadlineSeconds (${deadline}) still ends the Job, not the pod`]),
    ...(root?.kind === 'CronJob' ? [cronJob(root)] : []),
  ]
  return {
    onQuarantine: [what, ...rest].join('; '),
    onRelease: ended
      ? 'has ended: whether it adopts the pod again is not known'
      : 'adopts the pod again if it has not ended; one pod too many is deleted',
  }
}

function cronJob(root: KubeObject): string {
  const name = `CronJob ${root.metadata?.name ?? ''}`
  if (at(root, 'spec', 'suspend') === true) return `${name} is suspended`
  switch (at(root, 'spec', 'concurrencyPolicy')) {
    case 'Forbid':
      return `${name} starts no other Job while this one runs`
    case 'Replace':
      return `the next run of ${name} deletes this Job and its replacement, not the suspect`
    default:
      return `${name} goes on starting Jobs`
  }
}

function mirror({ pod }: Seen): Says {
  const node = pod.spec?.nodeName ?? ''
  return {
    onQuarantine: `a static pod: the kubelet of ${node} runs it by a file there, whatever is changed here`,
    onRelease: 'nothing',
  }
}
