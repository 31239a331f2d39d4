import type { JsonObject } from '../../../model/json.js'

import type { FieldOwner } from './managed-fields.js'
import { managedFields } from './managed-fields.js'
import { kubeTime } from '../moments.js'

export interface GivenMetadata {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly created: Date
  readonly generateName?: string
  readonly generation?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly owner?: Owner
  readonly fieldOwners?: readonly FieldOwner[]
}

interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
}

/** ObjectMeta in the order in which an API server writes it, without resourceVersion. */
export function metadata(given: GivenMetadata): JsonObject {
  return {
    name: given.name,
    ...(given.generateName === undefined ? {} : { generateName: given.generateName }),
    ...(given.namespace === undefined ? {} : { namespace: given.namespace }),
    uid: given.uid,
    ...(given.generation === undefined ? {} : { generation: given.generation }),
    creationTimestamp: kubeTime(given.created),
    ...(given.labels === undefined ? {} : { labels: given.labels }),
    ...(given.annotations === undefined ? {} : { annotations: given.annotations }),
    ...(given.owner === undefined
      ? {}
      : { ownerReferences: [{ ...given.owner, controller: true, blockOwnerDeletion: true }] }),
    ...(given.fieldOwners === undefined ? {} : { managedFields: managedFields(given.fieldOwners) }),
  }
}

/** What `kubectl apply` writes into kubectl.kubernetes.io/last-applied-configuration: Go's JSON and a newline. */
export function lastApplied(manifest: JsonObject): string {
  const escaped = JSON.stringify(manifest).replaceAll(
    /[&<>]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${escaped}\n`
}
