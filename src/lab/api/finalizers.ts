import { asArray, type JsonObject } from '../../model/json.js'
import { metadataOf, nameOf, namespaceOf } from '../store/object.js'
import type { Store } from '../store/store.js'

export function hasFinalizers(object: JsonObject): boolean {
  return asArray(metadataOf(object).finalizers).length > 0
}

/** Removes an object on its way out whose last finalizer is gone. A pod also waits for its kubelet. */
export function endIfReleased(context: { readonly store: Store }, table: string, object: JsonObject): void {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadataOf(object)
  if (deletionTimestamp === undefined || hasFinalizers(object)) return
  if (table === 'pods' && deletionGracePeriodSeconds !== 0) return
  context.store.delete(table, { namespace: namespaceOf(object), name: nameOf(object) })
}
