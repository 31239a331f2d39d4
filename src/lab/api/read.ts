import type { JsonObject } from '../../model/json.js'
import { labelsOf, nameOf, namespaceOf } from '../store/object.js'
import type { Store } from '../store/store.js'
import { parseFieldSelector } from './field-selector.js'
import { parseLabelSelector } from './label-selector.js'
import { continueToken, parseContinueToken, parseLimit, type Continuation } from './paging.js'
import type { ResourceRequest } from './request-info.js'
import { mustBeReached, parseVersion, wantedVersion } from './resource-version.js'
import type { LabResource } from './resources.js'
import { apiVersionOf, asListItem, servedShape } from './served-shape.js'
import { badRequest, expiredContinue, expiredVersion, notFound } from './status.js'

export function getObject(
  store: Store,
  resource: LabResource,
  request: ResourceRequest,
  query: URLSearchParams,
): JsonObject {
  const version = parseVersion(query.get('resourceVersion') ?? '')
  if (version !== undefined) mustBeReached({ kind: 'not-older', version }, store)
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
  // what comes from the watch cache comes whole
  const limit = query.get('resourceVersion') === '0' ? undefined : parseLimit(query.get('limit'))
  const { rows, version, after } = state(store, resource, query, limit !== undefined)
  const namespace = namespaceIn(resource, request)
  const matching = rows
    .filter((row) => namespace === undefined || namespaceOf(row) === namespace)
    .filter((row) => after === undefined || keyOf(row) > after)
    .map((row) => servedShape(row, resource))
    .filter(selects)
  const page = limit === undefined ? matching : matching.slice(0, limit)
  const last = page.at(-1)
  const remaining = matching.length - page.length
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

/** The rows that a list shows, of which version, and from which key on. */
function state(
  store: Store,
  resource: LabResource,
  query: URLSearchParams,
  limited: boolean,
): { readonly rows: readonly JsonObject[]; readonly version: number; readonly after: string | undefined } {
  const wanted = wantedVersion(query, limited)
  const token = query.get('continue') ?? ''
  if (token !== '') {
    if ((query.get('resourceVersion') ?? '') !== '') {
      throw badRequest('specifying resource version is not allowed when using continue')
    }
    const start = parseContinueToken(token)
    const version = start.version < 0 ? store.version : start.version
    return { rows: pageRows(store, resource, { ...start, version }), version, after: start.after }
  }
  mustBeReached(wanted, store)
  if (wanted.kind !== 'exact') {
    return { rows: store.list(resource.table), version: store.version, after: undefined }
  }
  const rows = store.listAt(resource.table, wanted.version)
  if (rows === undefined) throw expiredVersion()
  return { rows, version: wanted.version, after: undefined }
}

function pageRows(store: Store, resource: LabResource, start: Continuation): readonly JsonObject[] {
  const rows = store.listAt(resource.table, start.version)
  if (rows === undefined) throw expiredContinue(continueToken({ ...start, version: -1 }))
  return rows
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
