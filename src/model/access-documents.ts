import type { Reason } from './evidence.js'

/** What could not be read, and why: absent is not the same as none. */
export interface Missing {
  readonly what: string
  readonly reason: Reason
  readonly detail: string
}

/** A subject by which a binding means the pod's account. */
export interface BoundSubject {
  readonly kind: 'ServiceAccount' | 'User' | 'Group'
  readonly name: string
}

export interface AccountBinding {
  readonly kind: 'RoleBinding' | 'ClusterRoleBinding'
  /** Of a RoleBinding: what it grants holds there alone. */
  readonly namespace?: string
  readonly name: string
  readonly subject: BoundSubject
  readonly role: { readonly kind: string; readonly name: string }
  /** False: not found (then it grants nothing now), forbidden, unreachable; `why` says which. */
  readonly roleRead: boolean
  readonly why?: string
  /** Whoever may label a ClusterRole can add to an aggregated one. */
  readonly aggregated: boolean
}

/** One rule of a role as it holds for the account. */
export interface EffectiveRule {
  /** A namespace, or '*': everywhere, and for what has no namespace. */
  readonly scope: string
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  /** Empty: of all names. */
  readonly resourceNames: readonly string[]
  readonly nonResourceURLs: readonly string[]
  /** The bindings that give it: 'RoleBinding shop/web-config of Role web-config'. */
  readonly through: readonly string[]
}

/** What somebody who holds the account's token can do that matters to an investigation. */
export interface AccountPower {
  readonly power: PowerName
  /** A namespace, or '*'. */
  readonly scope: string
  readonly verbs: readonly string[]
  /** Empty: of all names. */
  readonly names: readonly string[]
  readonly through: readonly string[]
}

export type PowerName =
  | 'everything'
  | 'read-secrets'
  | 'write-secrets'
  | 'exec-in-pods'
  | 'start-pods'
  | 'change-workloads'
  | 'make-tokens'
  | 'impersonate'
  | 'grant-rights'
  | 'node-proxy'
  | 'change-admission'
  | 'approve-certificates'
  | 'make-volumes'
  | 'change-nodes'
  | 'undo-quarantine'
  | 'delete-events'
  | 'read-configmaps'

export interface AccountToken {
  readonly kind: 'projected' | 'secret'
  /** Where it is mounted: container and path. */
  readonly mounts: readonly { readonly container: string; readonly path: string }[]
  /** Of a projected one: what it is for where not the API server, and its lifetime in seconds. */
  readonly audience?: string
  readonly expirationSeconds?: number
  /** Of a Secret: its name. Such a token does not expire and outlives the pod. */
  readonly secret?: string
}

export interface CloudIdentity {
  readonly provider: 'aws' | 'gcp' | 'azure'
  /** The role, service account or client ID. */
  readonly identity: string
  /** Where it is said: 'service account annotation eks.amazonaws.com/role-arn', 'env AWS_ROLE_ARN of app'. */
  readonly saidBy: string
}

/** access.json: what the pod's service account may do, by RBAC alone: the blast radius of its token. */
export interface AccessDocument {
  readonly schema: 'impound/access/v1'
  readonly derivedFrom: readonly string[]
  readonly account: { readonly namespace: string; readonly name: string; readonly read: boolean }
  /** The groups that its token carries. */
  readonly groups: readonly string[]
  readonly tokens: readonly AccountToken[]
  readonly cloud: readonly CloudIdentity[]
  /** Names of Secrets with registry passwords, and who names them. */
  readonly imagePullSecrets: readonly { readonly name: string; readonly namedBy: 'pod' | 'service account' }[]
  /** Where bindings could be read: RoleBindings of other namespaces can grant as well. */
  readonly bindingsSeen: 'all' | 'own-namespace' | 'cluster-bindings-only' | 'none'
  readonly bindings: readonly AccountBinding[]
  readonly rules: readonly EffectiveRule[]
  readonly powers: readonly AccountPower[]
  /** Whether every binding and every role that they name could be read: else there may be more powers. */
  readonly complete: boolean
  readonly missing: readonly Missing[]
}

/** How a pod's spec uses a ConfigMap or a Secret. */
export interface ReferenceUse {
  /** 'volume config', 'env KEY of app', 'envFrom of app', 'image pull'. */
  readonly as: string
  readonly keys: readonly string[]
  readonly optional: boolean
}

/** references.json: what the pod's spec names. Of Secrets nothing was asked: they are there by name. */
export interface ReferencesDocument {
  readonly schema: 'impound/references/v1'
  readonly derivedFrom: readonly string[]
  readonly configMaps: readonly {
    readonly name: string
    readonly uses: readonly ReferenceUse[]
    readonly read: boolean
    readonly uid?: string
    readonly keys: readonly string[]
  }[]
  readonly secrets: readonly { readonly name: string; readonly uses: readonly ReferenceUse[] }[]
  readonly volumes: readonly {
    readonly name: string
    /** 'emptyDir', 'hostPath', 'persistentVolumeClaim' …: the key of its source in the spec. */
    readonly type: string
    /** Of a hostPath its path, of a claim its name, of a CSI volume its driver. */
    readonly source?: string
    readonly mounts: readonly {
      readonly container: string
      readonly path: string
      readonly readOnly: boolean
      readonly subPath?: string
    }[]
    /** Of a claim that could be read. */
    readonly claim?: {
      readonly phase?: string
      readonly volume?: string
      readonly storageClass?: string
      readonly capacity?: string
      readonly accessModes: readonly string[]
      /** What the PersistentVolume says that it is on: 'csi ebs.csi.aws.com vol-0123'; absent where it could not be read. */
      readonly backing?: string
    }
  }[]
  readonly missing: readonly Missing[]
}
