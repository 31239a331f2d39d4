import type { TreeFacts } from '../facts.js'
import { parentOf, pathKey } from '../path-key.js'

/** What an entry of an upper directory says to the overlay, and what is left of it for a reader of the container. */
export interface MarkedFacts {
  /** Without the overlay's own marks. */
  readonly facts: TreeFacts
  /** Deletes what layers below have under this name. */
  readonly isWhiteout: boolean
  /** Hides what layers below have in this directory. */
  readonly isOpaque: boolean
  /** Has no content of its own: its bytes are in a layer below. */
  readonly isMetacopy: boolean
  /** Where its content, or of a directory its entries, come from, as the overlay writes it: it was renamed. */
  readonly redirect: string | undefined
  /** Came from a layer below when it was first changed. Undefined where filesystems can't say. */
  readonly hasOrigin: boolean
  /** A mark that the overlay does not honour: set by somebody who hoped that a reader would. */
  readonly isFake: boolean
}

/**
 * Reads overlayfs' marks (Linux, Documentation/filesystems/overlayfs.rst): trusted.overlay.*, or user.overlay.* where the mount has
 * userxattr. user.overlay.* without it was set within the container and means nothing. trusted.overlay.overlay.* are marks of an
 * overlay within the container, kept for it under that name; they are given back their own.
 */
export function readMarks(facts: TreeFacts, userxattr: boolean): MarkedFacts {
  const prefix = userxattr ? 'user.overlay.' : 'trusted.overlay.'
  const marks = new Map<string, string>()
  const left = new Map<string, string>()
  for (const [name, value] of facts.xattrs ?? []) {
    if (name.startsWith(`${prefix}overlay.`))
      left.set(prefix + name.slice(prefix.length + 'overlay.'.length), value)
    else if (name.startsWith(prefix)) marks.set(name.slice(prefix.length), value)
    else left.set(name, value)
  }
  const isDirectory = facts.type === 'directory'
  const fakes = userxattr ? [] : [...left.keys()].filter((name) => name.startsWith('user.overlay.'))
  return {
    facts: { ...facts, xattrs: left.size === 0 ? undefined : left },
    isWhiteout: facts.type === 'char' && facts.device === '0:0',
    isOpaque: isDirectory && marks.get('opaque') === 'y',
    isMetacopy: facts.type === 'file' && marks.has('metacopy'),
    redirect: isDirectory || marks.has('metacopy') ? marks.get('redirect') : undefined,
    hasOrigin: marks.has('origin'),
    isFake: fakes.length > 0,
  }
}

/**
 * Where the layers below have what stands under a path of the upper directory: the same path, but for what lies below a renamed
 * directory. Directories are to be told before what is in them.
 */
export class Redirects {
  readonly #moved = new Map<string, string>()

  /** The key in the layers below for a path of upper. */
  below(key: string): string {
    if (this.#moved.size === 0) return key
    for (let at: string | undefined = key; at !== undefined && at !== ''; at = parentOf(at)) {
      const from = this.#moved.get(at)
      if (from !== undefined) return `${from}${key.slice(at.length)}`
    }
    return key
  }

  /** Takes the mark of a path: an absolute path in the layers below, or a name in what is its directory there. */
  add(key: string, redirect: string): void {
    const path = redirect.startsWith('/') ? redirect : `${this.below(parentOf(key) ?? '')}/${redirect}`
    const from = pathKey(Buffer.from(path, 'latin1'))
    if (from !== undefined) this.#moved.set(key, from)
  }
}
