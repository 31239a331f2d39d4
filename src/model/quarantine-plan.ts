import type { AccessRule } from './api-path.js'
import type { Json } from './json.js'
import type { NetworkPluginFacts } from './network-plugin.js'
import type { Target } from './target.js'

/** The label that the deny-all selects, and the annotation that holds the lock. */
export const QUARANTINE_KEY = 'impound.dev/quarantine'

/** What a quarantine would change and who else it touches; under --dry-run --json as data. */
export interface QuarantinePlan {
  readonly schema: 'impound/quarantine-plan/v1'
  readonly case: string
  readonly target: Pick<Target, 'namespace' | 'name' | 'uid'>
  /** Set where this target already carries our lock; another case's lock is a refusal. */
  readonly resumes: boolean
  readonly policy: {
    readonly name: string
    readonly manifest: Json
    readonly state: 'to-create' | 'ours' | 'foreign'
  }
  readonly labels: {
    readonly before: Readonly<Record<string, string>>
    readonly add: Readonly<Record<string, string>>
    readonly remove: readonly string[]
    readonly keep: readonly { readonly key: string; readonly why: string }[]
  }
  readonly owner: OwnerPlan
  readonly services: readonly {
    readonly name: string
    /** Ready endpoints now, those that stay, and whether the suspect is one of them. */
    readonly readyNow: number
    readonly readyAfter: number
    readonly serves: boolean
    /** Why its endpoints could not be read; the two counts then mean nothing. */
    readonly unknown?: string
  }[]
  /** Every policy that selects the pod now or after relabelling, ours left out. */
  readonly policies: readonly PolicyPlan[]
  /** What enforces policies here, by what can be seen of it. */
  readonly network: NetworkPluginFacts
  /** Every probe of the pod, and what becomes of it once the network is cut. */
  readonly probes: readonly ProbePlan[]
  /** What the pod holds that somebody may have taken along. */
  readonly credentials: readonly CredentialPlan[]
  /** What is done beside it, in the order in which it is done. */
  readonly actions: readonly ActionPlan[]
  /** What the user should know before confirming, a line each. */
  readonly warnings: readonly string[]
  /** What no NetworkPolicy stops; always said. */
  readonly wontStop: readonly string[]
  readonly attackerSees: readonly string[]
  /** Reasons why it can't or must not be done, those of the actions included; a plan with any is not applied. */
  readonly refusals: readonly Refusal[]
  readonly missingAccess: readonly AccessRule[]
  /** Each write tried with dryRun=All, and the server's answer. */
  readonly dryRuns: readonly { readonly step: string; readonly ok: boolean; readonly detail: string }[]
}

export interface Refusal {
  readonly code:
    | 'host-network'
    | 'static-pod'
    | 'terminating'
    | 'completed'
    | 'other-case'
    | 'foreign-policy'
    | 'last-endpoint'
    | 'opens-more'
    | 'needs-node'
    | 'admission'
  readonly message: string
  /** The flag that overrides it, where there is one. */
  readonly override?: string
}

/** What an action beside the quarantine would do to one pod: a section of its plan. */
export interface ActionPlan {
  readonly action: string
  /** A line each, with its sign: '+ PodDisruptionBudget shop/impound-1f3a9c02', '~ NetworkPolicy shop/web: …', '- …'. */
  readonly changes: readonly string[]
  readonly warnings: readonly string[]
  /** Any of them refuses the whole run. What merely costs the action itself is a warning, and no change. */
  readonly refusals: readonly Refusal[]
  /** Rights without which the whole run is refused. */
  readonly missingAccess: readonly AccessRule[]
  /** What an attacker sees of it. */
  readonly attackerSees?: readonly string[]
  /** Of what verification starts: why it can't. */
  readonly unready?: string
  /** What it takes: a pod on the suspect's node, with --allow node. */
  readonly needs?: 'node'
  /** What is done about it denies before policies of any kind allow: what those say does not count. */
  readonly overrides?: 'all'
  /** Names of NetworkPolicies that no longer let the pod through once it is done. */
  readonly closes?: readonly string[]
}

export interface OwnerPlan {
  readonly kind: string
  readonly name: string
  /** The chain to the root, nearest first: 'ReplicaSet web-6dd6', 'Deployment web'. */
  readonly chain: readonly string[]
  readonly onQuarantine: string
  readonly onRelease: string
}

export interface PolicyPlan {
  readonly name: string
  readonly selectsNow: boolean
  readonly selectsAfter: boolean
  /** Still selects the pod after relabelling and allows something: the deny-all does not override it. */
  readonly residual: boolean
  /** The quarantine label itself makes it select the pod, and lets through what nothing lets through now. */
  readonly opensMore?: true
  /** The action that deals with it before any label goes. */
  readonly closedBy?: string
  /** What its rules let through, in words: 'ingress from pods app=x in this namespace on TCP/80', 'egress to anywhere'. */
  readonly allows: readonly string[]
}

export interface ProbePlan {
  readonly container: string
  readonly probe: 'liveness' | 'readiness' | 'startup'
  readonly by: 'http' | 'tcp' | 'grpc' | 'exec' | 'not-known'
  /** `goes-on`: the cut does not touch it; `fails`: it needs what is cut; `not-known`: it depends on what can't be seen. */
  readonly outlook: 'goes-on' | 'fails' | 'not-known'
  readonly why: string
  /** Where it may fail: how long after the first failure the kubelet kills the container, s. */
  readonly killsAfterSeconds?: number
}

export interface CredentialPlan {
  /** 'AWS role arn:aws:iam::111122223333:role/shop-web (service account annotation …)' */
  readonly credential: string
  /** Whether it stays good once the pod is gone. */
  readonly outlives: 'yes' | 'no' | 'not-known'
  readonly why: string
  /** What revokes it, or shows what to revoke, for a POSIX shell. */
  readonly command: string
  /** What else it does, or what is to be done besides. */
  readonly also: string
}
