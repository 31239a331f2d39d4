import { createCipheriv, createHash } from 'node:crypto'

import type { Attributes, BytePath, Layer, TreeNode } from '../files/tree.js'
import { bytePath, parentOf } from '../files/tree.js'

/** 2 March 2026, 09:14:05 UTC: when the shop's images were built. Fixed, so that their digests are. */
export const BUILT_AT = Date.UTC(2026, 2, 2, 9, 14, 5) / 1000

interface Given {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds since {@link BUILT_AT}. */
  readonly after?: number
}

/** A layer being written: the directories on the way to a member are made where the layer hasn't them yet. */
export class LayerDraft {
  readonly #members = new Map<BytePath, TreeNode>()

  directory(path: string, given: Given = {}): this {
    return this.#put(path, { kind: 'directory', ...attributes(given, 0o755) })
  }

  file(path: string, content: string | Buffer, given: Given = {}): this {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content
    return this.#put(path, { kind: 'file', content: bytes, ...attributes(given, 0o644) })
  }

  symlink(path: string, target: string, given: Given = {}): this {
    return this.#put(path, { kind: 'symlink', target: bytePath(target), ...attributes(given, 0o777) })
  }

  hardlink(path: string, target: string, given: Given = {}): this {
    return this.#put(path, { kind: 'hardlink', target: bytePath(target), ...attributes(given, 0o644) })
  }

  /** Says that a path of a lower layer is gone. */
  whiteout(path: string): this {
    const at = path.lastIndexOf('/') + 1
    return this.file(`${path.slice(0, at)}.wh.${path.slice(at)}`, '', { mode: 0o600 })
  }

  /** Says that nothing of what lower layers have in a directory is left. */
  opaque(directory: string): this {
    return this.directory(directory).file(`${directory}/.wh..wh..opq`, '', { mode: 0o600 })
  }

  /** Members in the order of their paths' bytes, hardlinks after the files they name. */
  layer(): Layer {
    const rank = (node: TreeNode): number => (node.kind === 'hardlink' ? 1 : 0)
    return [...this.#members].sort(
      ([a, first], [b, second]) => rank(first) - rank(second) || (a < b ? -1 : a > b ? 1 : 0),
    )
  }

  #put(text: string, node: TreeNode): this {
    const path = bytePath(text)
    const parent = parentOf(path)
    if (parent !== '' && !this.#members.has(parent)) {
      this.#put(parent, { kind: 'directory', ...attributes({}, 0o755) })
    }
    this.#members.set(path, node)
    return this
  }
}

function attributes(given: Given, mode: number): Attributes {
  return {
    mode: given.mode ?? mode,
    uid: given.uid ?? 0,
    gid: given.gid ?? 0,
    mtime: BUILT_AT + (given.after ?? 0),
  }
}

/** Bytes that look like a 64-bit little-endian ELF executable and don't compress, the same for the same name. */
export function elfBytes(name: string, size: number, architecture: Architecture): Buffer {
  const head = Buffer.alloc(64)
  head.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  head.writeUInt16LE(3, 16)
  head.writeUInt16LE(architecture === 'amd64' ? 62 : 183, 18)
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(0x1040n, 24)
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(64, 52)
  head.writeUInt16LE(56, 54)
  const key = createHash('sha256').update(`${name} ${architecture}`).digest()
  const noise = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const body = noise.update(Buffer.alloc(Math.max(0, size - head.length)))
  return Buffer.concat([head, body])
}

export type Architecture = 'amd64' | 'arm64'
