import { asArray, asString, at } from '../model/json.js'
import { ancestorsOf, pathKey } from './path-key.js'

/** Files that the runtime mounts and that a container can still write: read although they are mounts. */
const READ_ANYWAY: ReadonlySet<string> = new Set(['etc/hosts', 'etc/hostname', 'etc/resolv.conf'])

/** Mounts that a runtime makes in every container, and what lies below them. */
const OF_THE_RUNTIME: ReadonlySet<string> = new Set([
  'proc',
  'sys',
  'dev',
  'run/secrets',
  'var/run/secrets',
  'etc/resolv.conf',
  'etc/hosts',
  'etc/hostname',
])

/** What is mounted in a container: not part of its filesystem, and not read. */
export class MountTable {
  readonly #mounts: ReadonlySet<string>
  readonly #volumes: ReadonlySet<string>
  readonly #above = new Set<string>()

  /** `mounts` as the container's /proc says, `volumes` as the pod's spec says; all keys. */
  constructor(mounts: Iterable<string>, volumes: Iterable<string>) {
    this.#mounts = new Set([...mounts].filter((mount) => mount !== '' && !READ_ANYWAY.has(mount)))
    this.#volumes = new Set(volumes)
    for (const mount of this.#mounts) for (const parent of ancestorsOf(mount)) this.#above.add(parent)
  }

  /** Whether a path is a mount point or lies below one. */
  covers(key: string): boolean {
    return isAtOrBelow(key, this.#mounts)
  }

  isMountPoint(key: string): boolean {
    return this.#mounts.has(key)
  }

  isVolume(key: string): boolean {
    return isAtOrBelow(key, this.#volumes)
  }

  /** Whether a mount lies below: runtimes make the directories down to it. */
  isAbove(key: string): boolean {
    return this.#above.has(key)
  }

  /** Mounts that neither the pod's spec nor any runtime explains: a place to hide. */
  unexplained(): readonly string[] {
    return [...this.#mounts]
      .filter((mount) => !isAtOrBelow(mount, OF_THE_RUNTIME) && !isAtOrBelow(mount, this.#volumes))
      .sort()
  }
}

function isAtOrBelow(key: string, places: ReadonlySet<string>): boolean {
  if (places.has(key)) return true
  for (const parent of ancestorsOf(key)) if (places.has(parent)) return true
  return false
}

/** Where the pod's spec mounts volumes into a container, as keys. */
export function volumeMountsOf(pod: unknown, container: string): readonly string[] {
  return ['containers', 'initContainers', 'ephemeralContainers']
    .flatMap((list) => asArray(at(pod, 'spec', list)))
    .filter((entry) => at(entry, 'name') === container)
    .flatMap((entry) => asArray(at(entry, 'volumeMounts')))
    .map((mount) => pathKey(Buffer.from(asString(at(mount, 'mountPath')) ?? '')))
    .filter((key) => key !== undefined && key !== '')
    .map(String)
}

/** A mount point as /proc/self/mountinfo writes it: octal escapes for what would split the line (fs/proc_namespace.c). */
export function unescapeMount(escaped: string): string | undefined {
  const raw = escaped.replaceAll(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
  return pathKey(Buffer.from(raw, 'latin1'))
}
