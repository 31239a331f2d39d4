import type { Inside } from '../shop/container/inside.js'
import { escapeMountPath } from '../shop/container/proc.js'
import { tarArchive, type TarMember } from '../shop/files/tar-writer.js'
import type { BytePath, Tree } from '../shop/files/tree.js'
import type { NodeCall, NodeProgram } from './program.js'
import { hiddenBelow, upperLayer, type UpperNode } from './upper-layer.js'

const RECORD = 10_240
const BLOCK = 4096
const TYPE_BITS = {
  file: 0o100000,
  hardlink: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  whiteout: 0o020000,
} as const

/**
 * templates/node/upperdir.sh on a node of the lab: the same parts in the same order. All content is sent, whatever the budget: there
 * is little of it here.
 */
export const upperdir: NodeProgram = async ({ args, containers, out, err }) => {
  const [id, , lower] = args
  const container = containers.find((one) => one.id === id && one.running)
  const { inside } = container ?? {}
  if (inside?.written === undefined) {
    await err(`impound-upperdir: no process of the container ${id ?? ''} on this node\n`)
    return 3
  }
  const { image } = inside.written
  const upper = upperLayer(inside.root, inside.written)
  await out(
    facts(inside)
      .map((line) => `${line}\n`)
      .join(''),
  )
  await list(out, upper)
  if (lower === 'lower') {
    await out('lower\n')
    await list(out, hiddenBelow(upper, image))
    const touched = upper.flatMap(({ path }) => {
      const node = image.get(path)
      return node === undefined ? [] : [{ path, node, changedAt: node.mtime }]
    })
    await tar(out, touched, image)
  }
  await out('upper\n')
  await tar(out, upper, inside.root)
  await list(out, upper)
  await out('end find=0 stat=0 tar=0 alive=yes\n')
  return 0
}

function facts({ mounts, processes }: Inside): readonly string[] {
  const first = processes[0]
  return [
    'impound-upperdir v1',
    `fact pid ${31_000 + (first?.pid ?? 1)}`,
    `fact starttime ${first?.starttime ?? 0}`,
    'fact upper /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/41/fs',
    'fact kernel 6.1.0-28-amd64',
    'fact userxattr no',
    'fact sysadmin yes',
    'fact tar tar (GNU tar) 1.34',
    'fact uid_map 0 0 4294967295',
    'fact gid_map 0 0 4294967295',
    'mount 900 800 0:90 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w',
    ...mounts.map(
      ({ path, filesystem, options, from }, at) =>
        `mount ${901 + at} 900 0:${91 + at} ${from} ${escapeMountPath(`/${path}`)} ${options} - ${filesystem} ${filesystem} rw`,
    ),
  ]
}

async function list(out: NodeCall['out'], nodes: readonly UpperNode[]): Promise<void> {
  await out('list\n')
  const files = new Map(nodes.map(({ path, node }, at) => [path, { node, inode: 400_000 + at }] as const))
  for (const { path, node, changedAt } of nodes) {
    const first = node.kind === 'hardlink' ? node.target : path
    const file = files.get(first) ?? files.get(path)
    const links = nodes.filter((one) => one.node.kind === 'hardlink' && one.node.target === first).length
    const size = file?.node.kind === 'file' ? file.node.content.length : 0
    const numbers = [
      file?.inode ?? 0,
      node.kind === 'directory' ? 2 : 1 + links,
      (Math.ceil(size / BLOCK) * BLOCK) / 512,
      size,
      (TYPE_BITS[node.kind] | node.mode).toString(16),
      node.uid,
      node.gid,
      0,
      0,
      ...[changedAt, node.mtime, changedAt].map((time) => `${time}.000000000`),
    ]
    await out(Buffer.from(`${numbers.join(' ')} ${named(path)}\0`, 'latin1'))
  }
  await out('\0')
}

async function tar(out: NodeCall['out'], nodes: readonly UpperNode[], tree: Tree): Promise<void> {
  let bytes = 0
  for (const chunk of tarArchive(members(nodes, tree), 'pax')) {
    bytes += chunk.length
    await out(chunk)
  }
  await out(Buffer.alloc((RECORD - (bytes % RECORD)) % RECORD))
}

/** A further name of a file is a link where the file came before it; else it has the content. */
function* members(nodes: readonly UpperNode[], tree: Tree): Generator<TarMember, void, void> {
  const sent = new Set<BytePath>()
  for (const { path, node } of nodes) {
    const file = node.kind === 'hardlink' ? tree.get(node.target) : undefined
    if (node.kind !== 'hardlink')
      yield { name: node.kind === 'directory' ? `${named(path)}/` : named(path), node }
    else if (sent.has(node.target)) yield { name: named(path), node: { ...node, target: `./${node.target}` } }
    else if (file !== undefined) yield { name: named(path), node: file }
    sent.add(path)
  }
}

function named(path: BytePath): string {
  return path === '' ? '.' : `./${path}`
}
