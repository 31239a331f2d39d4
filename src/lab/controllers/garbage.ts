import { seconds } from '../api/managed-fields.js'
import { metadataOf, nameOf, namespaceOf, objectsIn, withMetadata } from '../store/object.js'
import type { ControllerContext } from './context.js'
import { isTerminating } from './pods.js'

/** Deletes what only a deleted object owned, as the garbage collector does in the background. */
export function collectDependents(context: ControllerContext, deletedUid: string): void {
  const { store } = context
  for (const table of store.tables()) {
    for (const object of store.list(table)) {
      const owners = objectsIn(metadataOf(object).ownerReferences)
      if (owners.length === 0 || !owners.every(({ uid }) => uid === deletedUid)) continue
      if (table !== 'pods') store.delete(table, { namespace: namespaceOf(object), name: nameOf(object) })
      else if (!isTerminating(object)) {
        store.put(
          table,
          withMetadata(object, { deletionTimestamp: seconds(context.now()), deletionGracePeriodSeconds: 0 }),
        )
      }
    }
  }
}
