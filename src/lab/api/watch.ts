import { PassThrough } from 'node:stream'

import type { JsonObject } from '../../model/json.js'
import { namespaceOf } from '../store/object.js'
import type { Change } from '../store/store.js'
import { goJson, type Answer } from './answer.js'
import type { ApiCall, ApiContext } from './call.js'
import { namespaceIn, selection } from './read.js'
import { checkWatchParameters, parseVersion } from './resource-version.js'
import { apiVersionOf, servedShape } from './served-shape.js'
import { tooOld } from './status.js'

/** A watch holds so much that its client has not read; then it ends, as a slow watcher's does. */
const MOST_UNREAD = 4 * 1024 * 1024

/** How often a watch that asked for bookmarks gets one; and one so long before its end. Source: k8s.io/apiserver, cacher. */
const BOOKMARK_MS = 60_000
const LAST_BOOKMARK_MS = 2_000

const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' }

type Send = (type: string, object: JsonObject) => void

/**
 * Changes after a resourceVersion, a JSON line each; without one, or with 0, what is there comes first as ADDED. A version
 * that history no longer has is answered with a 410 in the stream, as the server's watch cache does.
 */
export function watchAnswer(context: ApiContext, call: ApiCall): Answer {
  const { resource, query, request } = call
  const { store } = context
  const initialEvents = context.profile !== '1.20' && query.get('sendInitialEvents') === 'true'
  checkWatchParameters(query, initialEvents)
  const selects = selection(resource, query)
  const version = parseVersion(query.get('resourceVersion') ?? '') ?? 0
  const namespace = namespaceIn(resource, request)
  const inScope = (object: JsonObject): boolean =>
    (namespace === undefined || namespaceOf(object) === namespace) && selects(object)

  const stream = new PassThrough({ highWaterMark: MOST_UNREAD })
  const send: Send = (type, object) => {
    if (stream.writableEnded) return
    const roomLeft = stream.write(`${goJson({ type, object })}\n`)
    if (!roomLeft) stream.end()
  }
  const show = (change: Change): void => {
    if (change.table !== resource.table || change.resourceVersion <= version) return
    const object = servedShape(change.object, resource)
    const was = change.before !== undefined && inScope(servedShape(change.before, resource))
    const is = change.kind !== 'DELETED' && inScope(object)
    // an object that leaves the selection is deleted from it, one that comes in is new to it
    if (is) send(was ? 'MODIFIED' : 'ADDED', object)
    else if (was) send('DELETED', object)
  }
  const bookmark = (annotations: JsonObject = {}): void =>
    send('BOOKMARK', {
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: {
        resourceVersion: String(store.version),
        creationTimestamp: null,
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      },
    })

  const answer: Answer = {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: stream,
    expiry: () => errorLine(version === 0 ? store.version : version, store.version),
  }
  const missed = version === 0 || initialEvents ? [] : store.since(resource.table, version)
  if (missed === undefined) {
    stream.end(errorLine(version, store.oldest))
    return answer
  }
  if (version === 0 || initialEvents) {
    for (const row of store.list(resource.table)) {
      const object = servedShape(row, resource)
      if (inScope(object)) send('ADDED', object)
    }
  }
  for (const change of missed) show(change)
  const bookmarks = query.get('allowWatchBookmarks') === 'true'
  if (initialEvents && bookmarks) bookmark(INITIAL_EVENTS_END)
  const stop = store.onChange(show)
  const timers = watchTimers(query, stream, bookmarks ? () => bookmark() : undefined)
  stream.once('close', () => {
    stop()
    for (const timer of timers) clearInterval(timer)
  })
  return answer
}

/** The end of the watch, where it has one, and its bookmarks. */
function watchTimers(
  query: URLSearchParams,
  stream: PassThrough,
  bookmark: (() => void) | undefined,
): readonly NodeJS.Timeout[] {
  const lifetime = Number(query.get('timeoutSeconds') ?? '0') * 1000
  const timers: NodeJS.Timeout[] = []
  if (lifetime > 0) timers.push(setTimeout(() => stream.end(), lifetime).unref())
  if (bookmark === undefined) return timers
  timers.push(setInterval(bookmark, BOOKMARK_MS).unref())
  if (lifetime > 0) {
    timers.push(setTimeout(bookmark, Math.max(lifetime / 2, lifetime - LAST_BOOKMARK_MS)).unref())
  }
  return timers
}

function errorLine(version: number, oldest: number): Buffer {
  return Buffer.from(`${goJson({ type: 'ERROR', object: tooOld(version, oldest).body })}\n`)
}
