import { type BoltBucket, openBolt } from '../../formats/bolt.js'
import { type ContainerRecord, MOST_LAYERS } from './container-record.js'

const SNAPSHOTTER = 'overlayfs'
export const META_PATH = '/io.containerd.metadata.v1.bolt/meta.db'
export const SNAPSHOTS_PATH = '/io.containerd.snapshotter.v1.overlayfs/metadata.db'

/**
 * The containers of a pod in containerd's metadata, with what its overlayfs snapshotter says of them. `root` is containerd's, on the node.
 * Throws `integrity` as {@link openBolt} does. Source: containerd, metadata/buckets.go, snapshots/storage/bolt.go.
 */
export function containerdRecords(
  root: string,
  meta: Buffer,
  snapshots: Buffer | undefined,
  podUid: string,
): readonly ContainerRecord[] {
  const records: ContainerRecord[] = []
  let layers: ReadonlyMap<string, Snapshot> | undefined
  for (const { value: namespace } of openBolt(meta).bucket('v1')?.entries() ?? []) {
    if (Buffer.isBuffer(namespace)) continue
    for (const { key, value: container } of namespace.bucket('containers')?.entries() ?? []) {
      if (Buffer.isBuffer(container)) continue
      const label = (name: string): string | undefined => text(container.bucket('labels'), name)
      if (label('io.kubernetes.pod.uid') !== podUid || label('io.cri-containerd.kind') === 'sandbox') continue
      const image = text(container, 'image')
      const record = {
        runtime: 'containerd',
        id: key.toString('latin1'),
        name: label('io.kubernetes.container.name') ?? '',
        ...(image === undefined ? {} : { image }),
      } as const
      const snapshotter = text(container, 'snapshotter') ?? ''
      if (snapshotter !== SNAPSHOTTER) {
        records.push({ ...record, why: `its snapshotter is ${snapshotter}, not ${SNAPSHOTTER}` })
        continue
      }
      layers ??= snapshots === undefined ? new Map() : snapshotsOf(snapshots)
      const known = namespace.bucket('snapshots')?.bucket(SNAPSHOTTER)
      const name = text(known?.bucket(text(container, 'snapshotKey') ?? ''), 'name')
      const found = name === undefined ? undefined : chainOf(layers, name)
      if (found === undefined) {
        records.push({ ...record, why: 'the snapshotter has no record of its layers any more' })
        continue
      }
      const [upper = '', ...lowers] = found.map(
        (number) => `${root}/io.containerd.snapshotter.v1.overlayfs/snapshots/${number}/fs`,
      )
      records.push({ ...record, layers: { upper, lowers } })
    }
  }
  return records
}

interface Snapshot {
  readonly id: bigint
  readonly parent: string
}

function snapshotsOf(file: Buffer): ReadonlyMap<string, Snapshot> {
  const found = new Map<string, Snapshot>()
  for (const { key, value } of openBolt(file).bucket('v1')?.bucket('snapshots')?.entries() ?? []) {
    if (Buffer.isBuffer(value)) continue
    const id = uvarint(value.value('id'))
    if (id !== undefined) found.set(key.toString('latin1'), { id, parent: text(value, 'parent') ?? '' })
  }
  return found
}

/** Numbers of a snapshot's directory and of those below it; undefined where one is missing, or they never end. */
function chainOf(all: ReadonlyMap<string, Snapshot>, name: string): readonly bigint[] | undefined {
  const chain: bigint[] = []
  for (let at = name; at !== '';) {
    const snapshot = all.get(at)
    if (snapshot === undefined || chain.length > MOST_LAYERS) return undefined
    chain.push(snapshot.id)
    at = snapshot.parent
  }
  return chain
}

function text(bucket: BoltBucket | undefined, key: string): string | undefined {
  return bucket?.value(key)?.toString('latin1', 0, 4096)
}

/** Source: Go's encoding/binary, PutUvarint. */
function uvarint(bytes: Buffer | undefined): bigint | undefined {
  let value = 0n
  for (const [index, byte] of (bytes?.subarray(0, 10) ?? Buffer.alloc(0)).entries()) {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return value
  }
  return undefined
}
