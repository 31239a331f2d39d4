import type { JsonObject } from '../../model/json.js'
import { labelsOf, nameOf, namespaceOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import { parseFieldSelector } from './field-selector.js'
import { parseLabelSelector } from './label-selector.js'
import { continueToken, parseContinueToken, parseLimit } from './paging.js'
import type { ResourceRequest } from './request-info.js'
import type { LabResource } from './resources.js'
import { apiVersionOf, asListItem, servedShape } from './served-shape.js'
import { expired, notFound } from './status.js'

export function getObject(store: Store, resource: LabResource, request: ResourceRequest): JsonObject {
  const name = request.name ?? ''
  const object = store.get(resource.table, { namespace: namespaceIn(resource, request), name })
  if (object === undefined) throw notFound(resource, name)
  return servedShape(object, resource)
}

/** One page. Later pages show the collection as it was at the first one, as etcd's versions make possible. */
export function listObjects(
  store: Store,
  resource: LabResource,
  request: ResourceRequest,
  query: URLSearchParams,
): JsonObject {
  const selects = selection(resource, query)
  const limit = parseLimit(query.get('limit'))
  const token = query.get('continue') ?? ''
  const start = token === '' ? undefined : parseContinueToken(token)
  const rows =
    start === undefined ? store.list(resource.table) : store.snapshot(resource.table, start.version)
  if (rows === undefined) throw expired()

  const version = start?.version ?? store.version
  const namespace = namespaceIn(resource, request)
  const matching = rows
    .filter((row) => namespace === undefined || namespaceOf(row) === namespace)
    .filter((row) => start === undefined || keyOf(row) > start.after)
    .map((row) => servedShape(row, resource))
    .filter(selects)
  const page = limit === undefined ? matching : matching.slice(0, limit)
  const last = page.at(-1)
  const remaining = matching.length - page.length
  if (remaining > 0 && start === undefined) store.keepSnapshot(resource.table)
  const selective = query.has('labelSelector') || query.has('fieldSelector')
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      ...(remaining > 0 && last !== undefined
        ? { continue: continueToken({ version, after: keyOf(last) }) }
        : {}),
      // the server doesn't count what selectors would leave
      ...(remaining > 0 && !selective ? { remainingItemCount: remaining } : {}),
    },
    items: page.map(asListItem),
  }
}

/** Both selectors of a query, over objects as they are served. */
export function selection(resource: LabResource, query: URLSearchParams): (object: JsonObject) => boolean {
  const byLabel = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = resource.group === 'events.k8s.io' ? 'events.k8s.io/events' : resource.table
  const byField = parseFieldSelector(query.get('fieldSelector') ?? '', fields)
  return (object) => byLabel(labelsOf(object)) && byField(object)
}

export function namespaceIn(resource: LabResource, request: ResourceRequest): string | undefined {
  return resource.namespaced ? request.namespace : undefined
}

function keyOf(object: JsonObject): string {
  return `${namespaceOf(object) ?? ''}/${nameOf(object)}`
}
