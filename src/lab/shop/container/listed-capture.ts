import { createHash } from 'node:crypto'

import { type TarMember, tarArchive } from '../files/tar-writer.js'
import { type BytePath, byteOrder, type Tree, type TreeNode } from '../files/tree.js'
import { type Capture, mayRead, member, shownRoot } from './capture.js'
import type { Inside } from './inside.js'
import { escapeMountPath } from './proc.js'

const LETTERS = { file: 'f', hardlink: 'f', directory: 'd', symlink: 'l' } as const

/** What templates/capture-filesystem.sh is asked for after ephemeral-root.sh. */
export type Wish =
  { readonly since: number } | { readonly paths: readonly BytePath[] } | { readonly everything: true }

/**
 * What it does with GNU find and tar, as `user`: a list of all and a tar of what changed its state since then, a tar of the paths that are named,
 * or of everything.
 */
export function listedCapture(inside: Inside, user: Pick<Inside, 'uid' | 'gid'>, wish: Wish): Capture {
  const { root, mounts } = shownRoot(inside)
  const paths = [...root.keys()].sort(byteOrder)
  const changed = (path: BytePath): number => changedAt(inside, root, path)
  const wanted = new Set('paths' in wish ? wish.paths : paths)
  const hash = createHash('sha256')
  const complaints: string[] = []
  let bytes = 0
  function* sent(): Generator<Buffer, void, void> {
    if ('since' in wish) {
      const places = mounts.map(({ path }) => `${escapeMountPath(`/${path}`)}\0`)
      yield Buffer.from(`impound-list v1\n${places.join('')}\0`, 'latin1')
      for (const path of paths) yield record(root, path, changed(path))
      yield Buffer.from([0])
    }
    const members = paths.filter(
      (path) => wanted.has(path) && (!('since' in wish) || changed(path) > wish.since),
    )
    yield* tarArchive(archived(root, members, user, complaints), 'pax')
  }
  function* counted(): Generator<Buffer, void, void> {
    for (const chunk of sent()) {
      hash.update(chunk)
      bytes += chunk.length
      yield chunk
    }
  }
  return {
    preamble: [
      ...mounts.map(({ path }) => `impound-mount v1 ${escapeMountPath(`/${path}`)}\n`),
      `impound-begin v1 mounts=known xattrs=yes exclude=yes counted=yes mode=${'since' in wish ? 'list' : 'whole'}\n`,
    ].join(''),
    chunks: counted(),
    conclusion: () => {
      const exitCode = complaints.length === 0 ? 0 : 2
      const trailer = `impound-trailer v1 bytes=${bytes} sha256=${hash.copy().digest('hex')} tar=${exitCode}\n`
      return { text: [...complaints, trailer].join(''), exitCode }
    },
  }
}

/** Seconds since 1970: of what the image has, when it was unpacked, for which its own time stands. */
function changedAt({ written }: Inside, root: Tree, path: BytePath): number {
  const mtime = root.get(path)?.mtime ?? 0
  return Math.max(mtime, written?.changedAt.get(path) ?? 0)
}

function record(root: Tree, path: BytePath, ctime: number): Buffer {
  const node = root.get(path)
  if (node === undefined) return Buffer.alloc(0)
  const file = node.kind === 'hardlink' ? root.get(node.target) : node
  const link = node.kind === 'symlink' ? node.target : ''
  const size = file?.kind === 'file' ? file.content.length : link.length
  const times = [ctime, node.mtime, ctime].map((time) => `${time}.0000000000`)
  const numbers = [7, 1, 8, size, node.mode.toString(8), node.uid, node.gid, ...times]
  const name = path === '' ? '.' : `./${path}`
  return Buffer.from(`${LETTERS[node.kind]} ${numbers.join(' ')} ${name}${link}\0`, 'latin1')
}

/** A further name of a file is a link where the file came before it; else it has the content. */
function* archived(
  root: Tree,
  paths: readonly BytePath[],
  user: Pick<Inside, 'uid' | 'gid'>,
  complaints: string[],
): Generator<TarMember, void, void> {
  const sent = new Set<BytePath>()
  for (const path of paths) {
    const node = root.get(path)
    if (node === undefined) continue
    if (node.kind !== 'directory' && !mayRead(user, node)) {
      complaints.push(`tar: ./${path}: Cannot open: Permission denied\n`)
      continue
    }
    yield member(path, asSent(node, root, sent))
    sent.add(path)
  }
}

function asSent(node: TreeNode, root: Tree, sent: ReadonlySet<BytePath>): TreeNode {
  if (node.kind !== 'hardlink') return node
  const file = root.get(node.target)
  return file !== undefined && !sent.has(node.target) ? file : { ...node, target: `./${node.target}` }
}
