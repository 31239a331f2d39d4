import { mayHang, type MountInfo } from '../../filesystem/mount-info.js'
import type { MountLeft } from '../../model/mounts-document.js'
import { asObject, asString, at } from '../../model/json.js'
import { mountsOf, nameOf, specVolumes } from '../../model/spec-volumes.js'

/** A running container of the pod, as its node sees it. */
export interface ContainerMounts {
  readonly name: string
  readonly pid: string
  readonly startTime: string
  readonly mounts: readonly MountInfo[]
}

/** Something mounted that is to be read. */
export interface Place {
  readonly container: string
  readonly point: string
  /** Of the spec; absent for what no volume explains. */
  readonly volume?: string
  readonly type: string
  readonly mode: 'content' | 'index'
  /** Where the node's script finds it, best first, and on which filesystem it must be ('-': any). */
  readonly ways: readonly { readonly where: string; readonly device: string }[]
}

/** Volumes that the kubelet fills: a container does not write there. */
const CONFIGURATION = new Set(['secret', 'configMap', 'projected', 'downwardAPI', 'image', 'gitRepo'])

/**
 * Where a container of the pod can write beside its own root, and what is not read of it and why. `containers` are those that run.
 * Content of emptyDirs and of what is in memory, an index of what outlives the pod.
 */
export function placesOf(
  pod: unknown,
  uid: string,
  containers: readonly ContainerMounts[],
): { readonly places: readonly Place[]; readonly left: readonly MountLeft[] } {
  const volumes = specVolumes(pod).map((volume) => ofVolume(pod, uid, volume, containers))
  const known = new Map(
    specVolumes(pod).flatMap((volume) =>
      mountsOf(pod, nameOf(volume)).map(
        ({ container, path }) => [key(container, path), typeOf(volume)] as const,
      ),
    ),
  )
  const others = containers.flatMap((container) =>
    container.mounts
      .filter(({ point }) => !isKnown(container.name, point, known))
      .flatMap((mount) => ofMount(container, mount)),
  )
  // the containers of a pod share /dev/shm, and each sees it
  const seen = new Set<string>()
  const places = [...volumes, ...others].flatMap((found) => ('mode' in found ? [found] : []))
  return {
    places: places.filter((place) => {
      const device = place.volume === undefined ? (place.ways[0]?.device ?? '') : place.volume
      if (seen.has(device)) return false
      seen.add(device)
      return true
    }),
    left: [...volumes, ...others].flatMap((found) => ('why' in found ? [found] : [])),
  }
}

function key(container: string, path: string): string {
  return `${container}:${path.replace(/\/+$/, '')}`
}

/** Explained by a volume: it is one, or one of the mounts that a path of the host brings along. Others below a volume somebody made. */
function isKnown(container: string, point: string, known: ReadonlyMap<string, string>): boolean {
  for (let path = point; path !== ''; path = path.slice(0, path.lastIndexOf('/'))) {
    // Debian and others have /var/run as a symlink
    const also = path.startsWith('/run/') ? `/var${path}` : path
    const type = known.get(key(container, path)) ?? known.get(key(container, also))
    if (type !== undefined && (path === point || type === 'hostPath')) return true
  }
  return false
}

function typeOf(volume: unknown): string {
  return Object.keys(asObject(volume) ?? {}).find((each) => each !== 'name') ?? ''
}

function ofVolume(
  pod: unknown,
  uid: string,
  volume: unknown,
  containers: readonly ContainerMounts[],
): Place | MountLeft {
  const name = nameOf(volume)
  const type = typeOf(volume)
  const mounts = mountsOf(pod, name)
  const first = mounts[0]
  const place = { volume: name, type, container: first?.container ?? '', point: first?.path ?? '' }
  if (CONFIGURATION.has(type)) return { ...place, reason: 'not-applicable', why: 'the kubelet fills it' }
  const inside = mounts.flatMap(({ container, path }) => {
    const running = containers.find(({ name: own }) => own === container)
    const mount = running?.mounts.findLast(({ point }) => point === path.replace(/\/+$/, ''))
    return running === undefined || mount === undefined ? [] : [{ running, mount }]
  })
  const [reached] = inside
  if (type === 'emptyDir') {
    const below = reached === undefined ? undefined : hanging(reached.running, reached.mount)
    return {
      ...place,
      type: asString(at(volume, 'emptyDir', 'medium')) === 'Memory' ? 'emptyDir in memory' : type,
      mode: 'content',
      ways: [
        { where: `kubelet:${uid}/volumes/kubernetes.io~empty-dir/${name}`, device: '-' },
        ...(reached === undefined || below !== undefined
          ? []
          : [inContainer(reached.running, reached.mount)]),
      ],
    }
  }
  if (reached === undefined)
    return { ...place, reason: 'not-applicable', why: 'no container that runs has it mounted' }
  const why = hanging(reached.running, reached.mount)
  if (why !== undefined) return { ...place, reason: 'unsupported', why }
  return { ...place, mode: 'index', ways: [inContainer(reached.running, reached.mount)] }
}

/** What a runtime mounts in every container and nobody can write files into. */
const OF_THE_RUNTIME =
  /^\/(?:$|proc(?:\/|$)|sys(?:\/|$)|dev\/(?:pts|mqueue|console|termination-log)$|etc\/(?:hosts|hostname|resolv\.conf)$|(?:var\/)?run\/secrets(?:\/|$))/

function ofMount(container: ContainerMounts, mount: MountInfo): readonly (Place | MountLeft)[] {
  if (OF_THE_RUNTIME.test(mount.point)) return []
  const place = { container: container.name, point: mount.point, type: mount.type }
  const why = hanging(container, mount)
  if (why !== undefined) return [{ ...place, reason: 'unsupported', why }]
  if (mount.type === 'tmpfs' && mount.readOnly) return []
  return [
    { ...place, mode: mount.type === 'tmpfs' ? 'content' : 'index', ways: [inContainer(container, mount)] },
  ]
}

function inContainer({ pid, startTime }: ContainerMounts, { point, device, type }: MountInfo) {
  // a subvolume has another number than the filesystem that it is part of
  const isSure = type !== 'btrfs' && type !== 'zfs'
  return { where: `${pid}:${startTime}:${point}`, device: isSure ? device : '-' }
}

/** Why nobody should look there: on a filesystem that may never answer, or with one below. */
function hanging({ mounts }: ContainerMounts, { point, type }: MountInfo): string | undefined {
  const words = 'who looks at it may wait for ever: it is left alone'
  if (mayHang(type)) return `${type}: ${words}`
  const below = mounts.find(
    (other) => other.point.startsWith(`${point === '/' ? '' : point}/`) && mayHang(other.type),
  )
  return below === undefined ? undefined : `${below.type} is mounted below it, at ${below.point}: ${words}`
}
