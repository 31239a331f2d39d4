import { type TarMember, tarArchive } from '../../shop/files/tar-writer.js'
import type { ContainerOnNode } from '../program.js'
import { upperLayer, type UpperNode } from '../upper-layer.js'
import { criuImages, dumpStats } from './images.js'

/** The tar that a runtime makes of a container for the kubelet; undefined where the lab has no inside for it. */
export function checkpointArchive({ name, id, inside, log }: ContainerOnNode, now: Date): Buffer | undefined {
  if (inside?.written === undefined) return undefined
  const upper = upperLayer(inside.root, inside.written)
  const json = (value: unknown): string => `${JSON.stringify(value)}\n`
  const lines = (log?.(false) ?? []).map(({ time, text }) => `${time} stdout F ${text}\n`)
  const files: readonly (readonly [string, Buffer | string])[] = [
    ['bind.mounts', '[]'],
    ...[...criuImages(inside)].map(([path, bytes]) => [`checkpoint/${path}`, bytes] as const),
    [
      'config.dump',
      json({
        id,
        name,
        rootfsImageName: `lab/${name}`,
        runtime: 'runc',
        createdTime: inside.bootedAt.toISOString(),
        checkpointedTime: now.toISOString(),
        restoredTime: '0001-01-01T00:00:00Z',
        restored: false,
      }),
    ],
    ['container.log', lines.join('')],
    [
      'deleted.files',
      json(upper.flatMap(({ path, node }) => (node.kind === 'whiteout' ? [`/${path}`] : []))),
    ],
    ['dump.log', '(00.041377) Dumping finished successfully\n'],
    ['rootfs-diff.tar', tar(upper.flatMap(member))],
    ['spec.dump', json({ ociVersion: '1.2.0', hostname: inside.hostname, root: { path: 'rootfs' } })],
    ['stats-dump', dumpStats()],
  ]
  const mtime = Math.floor(now.getTime() / 1000)
  return tar(
    files.map(([path, content]) => ({
      name: path,
      node: { kind: 'file', content: Buffer.from(content), mode: 0o600, uid: 0, gid: 0, mtime },
    })),
  )
}

function member({ path, node }: UpperNode): readonly TarMember[] {
  if (path === '' || node.kind === 'whiteout') return []
  return [{ name: node.kind === 'directory' ? `${path}/` : path, node }]
}

function tar(members: readonly TarMember[]): Buffer {
  return Buffer.concat([...tarArchive(members, 'pax')])
}
