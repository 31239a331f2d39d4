import type { ServedResource } from './ports/kube-reader.js'

/**
 * The newest of the wanted versions in which a resource is served; undefined where none is. `versions` goes from the
 * most to the least wanted: nobody parses a version that this code was not written for.
 */
export function servedVersion(
  resources: readonly ServedResource[],
  group: string,
  resource: string,
  versions: readonly string[],
): string | undefined {
  return versions.find((version) =>
    resources.some(
      (served) => served.group === group && served.resource === resource && served.version === version,
    ),
  )
}
