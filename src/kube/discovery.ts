import { isCode } from '../model/errors.js'
import { asArray, asString, at } from '../model/json.js'
import type { ServedResource } from '../model/ports/kube-reader.js'
import { notJson } from './api-error.js'
import { type Client, ONE_TRY, succeeded, THREE_TRIES } from './client.js'
import type { RetryPolicy } from './retry.js'

export interface Discovery {
  readonly resources: readonly ServedResource[]
  /** 'metrics.k8s.io/v1beta1' */
  readonly failedGroups: readonly string[]
}

interface GroupVersion {
  readonly group: string
  readonly version: string
  readonly preferred: boolean
}

/** Two requests instead of one a group version, where the server can: stable since 1.30, beta since 1.27. */
const AGGREGATED = ['v2', 'v2beta1'].map(
  (version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
)
const ACCEPT = [...AGGREGATED, 'application/json'].join(',')
const AT_ONCE = 8
const MAX_GROUP_VERSIONS = 2000

/** Names that are one segment of a path, whatever the server calls its groups. */
const NAME = /^[a-z0-9][a-z0-9.-]*$/i

/** What the server serves: /api and /apis, then each group version that they did not say all of. */
export async function discover(client: Client, signal: AbortSignal): Promise<Discovery> {
  const [core, groups] = await allDone([
    readJson(client, '/api', signal, THREE_TRIES),
    readJson(client, '/apis', signal, THREE_TRIES),
  ])
  const aggregated = [core, groups].filter(isAggregated)
  const resources: ServedResource[] = aggregated.flatMap(aggregatedResources)
  const failed = aggregated.flatMap(staleGroups)
  const named = [
    ...(isAggregated(core) ? [] : coreVersions(core)),
    ...(isAggregated(groups) ? [] : groupVersions(groups)),
  ].slice(0, MAX_GROUP_VERSIONS)
  const askable = ({ group, version }: GroupVersion): boolean =>
    NAME.test(version) && (group === '' || NAME.test(group))
  failed.push(...named.filter((one) => !askable(one)).map(nameOf))
  const queue = named.filter(askable)
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const served = await versionResources(client, next, signal).catch((error: unknown) => {
        queue.length = 0
        throw error
      })
      if (served === undefined) failed.push(nameOf(next))
      else resources.push(...served)
    }
  }
  await allDone(Array.from({ length: AT_ONCE }, work))
  return { resources: resources.sort(byName), failedGroups: failed.sort() }
}

/** As Promise.all, but nothing goes on after a failure is told. */
async function allDone<Value>(work: readonly Promise<Value>[]): Promise<Value[]> {
  await Promise.allSettled(work)
  return Promise.all(work)
}

async function readJson(
  client: Client,
  path: string,
  signal: AbortSignal,
  policy: RetryPolicy,
): Promise<unknown> {
  const request = { method: 'GET', path, accept: ACCEPT, signal } as const
  const response = await client.ask(request, policy)
  if (!succeeded(response)) throw client.failure(request, response)
  try {
    return JSON.parse(response.body.toString('utf8'))
  } catch {
    throw notJson(`GET ${path}`, response.headers['content-type'], client.options.transport.server.display)
  }
}

/** Undefined where the group's server does not answer: an aggregated API that is down must not stop the rest. */
async function versionResources(
  client: Client,
  version: GroupVersion,
  signal: AbortSignal,
): Promise<readonly ServedResource[] | undefined> {
  const path = version.group === '' ? `/api/${version.version}` : `/apis/${nameOf(version)}`
  try {
    const list = await readJson(client, path, signal, ONE_TRY)
    return asArray(at(list, 'resources')).flatMap((entry) => {
      const resource = asString(at(entry, 'name')) ?? ''
      if (resource === '') return []
      return [
        {
          group: version.group,
          version: version.version,
          resource,
          kind: asString(at(entry, 'kind')) ?? '',
          namespaced: at(entry, 'namespaced') === true,
          verbs: asArray(at(entry, 'verbs')).map(String),
          preferred: version.preferred,
        },
      ]
    })
  } catch (error) {
    if (signal.aborted || !isCode(error, 'server', 'not-found', 'forbidden', 'throttled', 'cut', 'timeout'))
      throw error
    return undefined
  }
}

function coreVersions(root: unknown): readonly GroupVersion[] {
  return asArray(at(root, 'versions')).map((version, index) => ({
    group: '',
    version: asString(version) ?? '',
    preferred: index === 0,
  }))
}

function groupVersions(root: unknown): readonly GroupVersion[] {
  return asArray(at(root, 'groups')).flatMap((entry) => {
    const preferred = asString(at(entry, 'preferredVersion', 'version'))
    return asArray(at(entry, 'versions')).map((version) => ({
      group: asString(at(entry, 'name')) ?? '',
      version: asString(at(version, 'version')) ?? '',
      preferred: at(version, 'version') === preferred,
    }))
  })
}

function isAggregated(root: unknown): boolean {
  return at(root, 'kind') === 'APIGroupDiscoveryList'
}

function aggregatedVersions(root: unknown): readonly (GroupVersion & { readonly entry: unknown })[] {
  return asArray(at(root, 'items')).flatMap((item) =>
    asArray(at(item, 'versions')).map((entry, index) => ({
      group: asString(at(item, 'metadata', 'name')) ?? '',
      version: asString(at(entry, 'version')) ?? '',
      // in order of preference, says apidiscovery.k8s.io/v2
      preferred: index === 0,
      entry,
    })),
  )
}

function aggregatedResources(root: unknown): readonly ServedResource[] {
  return aggregatedVersions(root)
    .filter(({ entry }) => at(entry, 'freshness') !== 'Stale')
    .flatMap(({ group, version, preferred, entry }) =>
      asArray(at(entry, 'resources')).flatMap((resource) => {
        const name = asString(at(resource, 'resource')) ?? ''
        const namespaced = at(resource, 'scope') === 'Namespaced'
        const served = (of: unknown, path: string): ServedResource => ({
          group,
          version,
          resource: path,
          kind: asString(at(of, 'responseKind', 'kind')) ?? '',
          namespaced,
          verbs: asArray(at(of, 'verbs')).map(String),
          preferred,
        })
        return [
          served(resource, name),
          ...asArray(at(resource, 'subresources')).map((sub) =>
            served(sub, `${name}/${asString(at(sub, 'subresource')) ?? ''}`),
          ),
        ]
      }),
    )
}

function staleGroups(root: unknown): readonly string[] {
  return aggregatedVersions(root)
    .filter(({ entry }) => at(entry, 'freshness') === 'Stale')
    .map(nameOf)
}

function nameOf({ group, version }: GroupVersion): string {
  return group === '' ? version : `${group}/${version}`
}

function byName(a: ServedResource, b: ServedResource): number {
  const [left, right] = [a, b].map((one) => `${one.group}/${one.version}/${one.resource}`) as [string, string]
  return left < right ? -1 : left > right ? 1 : 0
}
