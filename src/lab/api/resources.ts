import type { LabResource, LabVersion } from './resource-kind.js'
import { RESOURCE_ROWS, VERBS, type ResourceRow } from './resource-rows.js'

export type { LabResource, LabVersion } from './resource-kind.js'

/** What a server of this version serves, of what the lab knows. */
export function resourcesOf(profile: LabVersion): readonly LabResource[] {
  return RESOURCE_ROWS.flatMap((row) => {
    const versions = typeof row.version === 'string' ? [row.version] : row.version[profile]
    return versions.map((version) => resourceOf(row, version, profile))
  })
}

function resourceOf(row: ResourceRow, version: string, profile: LabVersion): LabResource {
  const { group, resource, kind, verbs = VERBS } = row
  const own = (row.subresources ?? []).filter(({ only }) => only === undefined || only === profile)
  const status = { name: 'status', kind, verbs: ['get', 'patch', 'update'] }
  return {
    group,
    version,
    resource,
    // filled in since 1.27
    singular: profile === '1.20' ? '' : kind.toLowerCase(),
    kind,
    namespaced: row.clusterWide === undefined,
    shortNames: row.shortNames ?? [],
    verbs: 'length' in verbs ? verbs : verbs[profile],
    generation: row.generation ?? false,
    table: row.table ?? (group === '' ? resource : `${resource}.${group}`),
    subresources: [...own, ...(row.status === true ? [status] : [])],
  }
}
