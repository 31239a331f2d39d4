import type { Reason } from './evidence.js'
import type { PolicyPlan } from './quarantine-plan.js'
import type { ContainerRole } from './target.js'

/** Derived documents, one per file in a target's directory. All strings may be hostile. Times are RFC 3339 UTC. */

/** pod.json */
export interface PodDocument {
  readonly schema: 'impound/pod/v1'
  readonly derivedFrom: readonly string[]
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly created?: string
  readonly phase?: string
  readonly node?: string
  readonly podIP?: string
  readonly hostIP?: string
  readonly serviceAccount?: string
  readonly hostNetwork: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly containers: readonly {
    readonly name: string
    readonly role: ContainerRole
    readonly image: string
    readonly imageID: string
    readonly containerID: string
    readonly running: boolean
    readonly restarts: number
    readonly startedAt?: string
    /** Of the last run that ended, where there was one. */
    readonly lastExit?: { readonly code?: number; readonly reason?: string; readonly finishedAt?: string }
  }[]
  /** Other pods on the same node, by namespace/name. Undefined where they could not be listed. */
  readonly neighbours?: readonly { readonly namespace: string; readonly name: string; readonly uid: string }[]
}

/** owners.json: the chain from the pod to the root, nearest first. */
export interface OwnersDocument {
  readonly schema: 'impound/owners/v1'
  readonly derivedFrom: readonly string[]
  readonly owners: readonly {
    readonly apiVersion: string
    readonly kind: string
    readonly name: string
    readonly uid: string
    readonly controller: boolean
    /** False where the object could not be read: not found, forbidden, its kind not served. */
    readonly read: boolean
    readonly why?: string
  }[]
}

/** One line of events.jsonl: an Event of the core or the events.k8s.io group, of the pod, an owner or the node. */
export interface EventLine {
  readonly about: 'pod' | 'owner' | 'node'
  readonly kind: string
  readonly name: string
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly count: number
  /** First and last time, where the event says them: an aggregated event has no times between. */
  readonly first?: string
  readonly last?: string
  readonly reporter: string
  readonly uid: string
  readonly derivedFrom: string
}

/** network.json */
export interface NetworkDocument {
  readonly schema: 'impound/network/v1'
  readonly derivedFrom: readonly string[]
  /** Each NetworkPolicy of the namespace; undefined where they could not be listed. */
  readonly policies?: readonly (Pick<PolicyPlan, 'name' | 'selectsNow' | 'allows'> & {
    readonly policyTypes: readonly string[]
    /** Selector operators that this version can't evaluate: selectsNow is then not known. */
    readonly unknownOperators: readonly string[]
  })[]
  readonly services?: readonly {
    readonly name: string
    readonly type: string
    readonly clusterIP: string
    readonly selectsPod: boolean
    readonly ports: readonly string[]
    /** Addresses in its EndpointSlices (or Endpoints, before 1.21), ready ones first. */
    readonly endpoints: readonly {
      readonly address: string
      readonly ready: boolean
      readonly pod?: string
      readonly isTarget: boolean
    }[]
  }[]
  /** Ingresses that lead to one of those services, and the hosts that they answer to. */
  readonly ingresses?: readonly {
    readonly name: string
    readonly hosts: readonly string[]
    readonly services: readonly string[]
  }[]
  /** What could not be read, and why: absent is not the same as empty. */
  readonly missing: readonly { readonly what: string; readonly reason: Reason; readonly detail: string }[]
}
