import { PassThrough } from 'node:stream'

import type { JsonObject } from '../../model/json.js'
import { namespaceOf } from '../store/object.js'
import type { ChangeKind } from '../store/store.js'
import { goJson, type Answer } from './answer.js'
import type { ApiCall, ApiContext } from './call.js'
import { namespaceIn, selection } from './read.js'
import { servedShape } from './served-shape.js'
import { tooOld } from './status.js'

/** A watch holds so much that its client has not read; then it ends, as a slow watcher's does. */
const MOST_UNREAD = 4 * 1024 * 1024

/**
 * Changes from now on, a JSON line each; without a resourceVersion, or with 0, what is there comes first as ADDED. The lab
 * keeps no history: it can't go back to an older version.
 */
export function watchAnswer(context: ApiContext, call: ApiCall): Answer {
  const { resource, query, request } = call
  const selects = selection(resource, query)
  const namespace = namespaceIn(resource, request)
  const inScope = (object: JsonObject): boolean =>
    (namespace === undefined || namespaceOf(object) === namespace) && selects(object)
  const stream = new PassThrough({ highWaterMark: MOST_UNREAD })
  const send = (type: ChangeKind, object: JsonObject): void => {
    const roomLeft = stream.write(`${goJson({ type, object })}\n`)
    if (!roomLeft) stream.end()
  }
  if (['', '0'].includes(query.get('resourceVersion') ?? '')) {
    for (const row of context.store.list(resource.table)) {
      const object = servedShape(row, resource)
      if (inScope(object)) send('ADDED', object)
    }
  }
  const stop = context.store.onChange((change) => {
    if (change.table !== resource.table || stream.writableEnded) return
    const object = servedShape(change.object, resource)
    const was = change.before !== undefined && inScope(servedShape(change.before, resource))
    const is = change.kind !== 'DELETED' && inScope(object)
    // an object that leaves the selection is deleted from it, one that comes in is new to it
    if (is) send(was ? 'MODIFIED' : 'ADDED', object)
    else if (was) send('DELETED', object)
  })
  const seconds = Number(query.get('timeoutSeconds') ?? '0')
  const timer = seconds > 0 ? setTimeout(() => stream.end(), seconds * 1000).unref() : undefined
  stream.once('close', () => {
    stop()
    clearTimeout(timer)
  })
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: stream,
    expiry: () => expiryLine(context.store.version),
  }
}

function expiryLine(version: number): Buffer {
  return Buffer.from(`${goJson({ type: 'ERROR', object: tooOld(version, version).body })}\n`)
}
