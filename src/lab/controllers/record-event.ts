import { randomBytes } from 'node:crypto'

import type { JsonObject } from '../../model/json.js'
import { seconds, withManagedFields } from '../api/managed-fields.js'
import { newUid } from '../store/identifiers.js'
import { metadataOf, nameOf, namespaceOf, uidOf } from '../store/object.js'
import type { ControllerContext } from './context.js'

export interface Occurrence {
  readonly reason: string
  readonly message: string
  readonly component: string
  readonly host?: string
  /** 'spec.containers{app}'. */
  readonly fieldPath?: string
}

/** Writes an event about an object, as client-go's recorder does. */
export function recordEvent(context: ControllerContext, about: JsonObject, what: Occurrence): void {
  const now = context.now()
  const at = seconds(now)
  const event: JsonObject = {
    kind: 'Event',
    apiVersion: 'v1',
    metadata: {
      name: `${nameOf(about)}.${randomBytes(8).toString('hex')}`,
      ...(namespaceOf(about) === undefined
        ? { namespace: 'default' }
        : { namespace: namespaceOf(about) ?? '' }),
      uid: newUid(),
      creationTimestamp: at,
    },
    involvedObject: {
      kind: about.kind ?? '',
      namespace: namespaceOf(about) ?? '',
      name: nameOf(about),
      uid: uidOf(about),
      apiVersion: about.apiVersion ?? '',
      resourceVersion: metadataOf(about).resourceVersion ?? '',
      ...(what.fieldPath === undefined ? {} : { fieldPath: what.fieldPath }),
    },
    reason: what.reason,
    message: what.message,
    source: { component: what.component, ...(what.host === undefined ? {} : { host: what.host }) },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
    type: 'Normal',
    eventTime: null,
    reportingComponent: what.component,
    reportingInstance: what.host ?? '',
  }
  const manager = what.host === undefined ? 'kube-controller-manager' : 'kubelet'
  context.store.put('events', withManagedFields(event, undefined, { manager, apiVersion: 'v1', time: now }))
}
