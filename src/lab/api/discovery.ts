import type { JsonObject } from '../../model/json.js'
import type { LabResource, LabVersion } from './resources.js'

/** Group versions that a server serves although the lab has no resource of theirs. */
const EMPTY_GROUP_VERSIONS: readonly (readonly [string, string])[] = [['authentication.k8s.io', 'v1']]

/** The discovery document at a path, undefined where there is none. */
export function discoveryDocument(
  path: string,
  resources: readonly LabResource[],
  address: string,
): JsonObject | undefined {
  if (path === '/api') {
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
    }
  }
  const groups = groupVersions(resources)
  if (path === '/apis') {
    const named = [...groups].filter(([group]) => group !== '')
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: named.map(([group, versions]) => groupDocument(group, versions)),
    }
  }
  const [, root, group, version, ...rest] = path.split('/')
  if (rest.length > 0) return undefined
  if (root === 'api' && version === undefined) return resourceList('', group ?? '', resources, groups)
  if (root !== 'apis' || group === undefined || group === '') return undefined
  if (version !== undefined) return resourceList(group, version, resources, groups)
  const versions = groups.get(group)
  return versions === undefined
    ? undefined
    : { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group, versions) }
}

export function isServed(group: string, version: string, resources: readonly LabResource[]): boolean {
  return groupVersions(resources).get(group)?.includes(version) ?? false
}

export function versionDocument(profile: LabVersion): JsonObject {
  const [major = '', minor = ''] = profile.split('.')
  const build = profile === '1.20' ? { patch: 2, go: 'go1.15.7' } : { patch: 1, go: 'go1.26.1' }
  return {
    major,
    minor,
    gitVersion: `v${profile}.${build.patch}`,
    gitCommit: '0'.repeat(40),
    gitTreeState: 'clean',
    buildDate: '2026-05-12T09:41:18Z',
    goVersion: build.go,
    compiler: 'gc',
    platform: 'linux/amd64',
  }
}

/** Versions by group, the preferred one first. */
function groupVersions(resources: readonly LabResource[]): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  const pairs = [...resources.map(({ group, version }) => [group, version] as const), ...EMPTY_GROUP_VERSIONS]
  for (const [group, version] of pairs) {
    const versions = groups.get(group) ?? []
    if (!versions.includes(version)) versions.push(version)
    groups.set(group, versions.sort(stableFirst))
  }
  return groups
}

function stableFirst(a: string, b: string): number {
  return Number(/[a-z]/.test(a.slice(1))) - Number(/[a-z]/.test(b.slice(1)))
}

function groupDocument(group: string, versions: readonly string[]): JsonObject {
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions: entries, preferredVersion: entries[0] ?? {} }
}

function resourceList(
  group: string,
  version: string,
  resources: readonly LabResource[],
  groups: ReadonlyMap<string, readonly string[]>,
): JsonObject | undefined {
  if (groups.get(group)?.includes(version) !== true) return undefined
  const served = resources.filter((resource) => resource.group === group && resource.version === version)
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources: served.flatMap((resource) => [
      {
        name: resource.resource,
        singularName: resource.singular,
        namespaced: resource.namespaced,
        kind: resource.kind,
        verbs: resource.verbs,
        ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      },
      ...resource.subresources.map(({ name, kind, verbs, ...of }) => ({
        name: `${resource.resource}/${name}`,
        singularName: '',
        namespaced: resource.namespaced,
        ...(of.group === undefined ? {} : { group: of.group }),
        ...(of.version === undefined ? {} : { version: of.version }),
        kind,
        verbs,
      })),
    ]),
  }
}
