import { tarArchive, type TarMember } from '../shop/files/tar-writer.js'
import type { BytePath, Tree } from '../shop/files/tree.js'
import type { NodeCall } from './program.js'
import type { UpperNode } from './upper-layer.js'

const RECORD = 10_240
const BLOCK = 4096
const TYPE_BITS = {
  file: 0o100000,
  hardlink: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  whiteout: 0o020000,
} as const

/** Records as `stat --printf` of our scripts writes them, and the empty one that ends them. */
export async function sendList(out: NodeCall['out'], nodes: readonly UpperNode[]): Promise<void> {
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

/** GNU tar's stream, filled up to whole records. */
export async function sendTar(out: NodeCall['out'], nodes: readonly UpperNode[], tree: Tree): Promise<void> {
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
