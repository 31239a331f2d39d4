import type { SocketLine } from '../../formats/proc/sockets.js'

/** Sockets that a document has. */
export const MOST_ROWS = 5_000

/** What is kept of one table of sockets. */
export interface SocketTable {
  /** Those that tell most, in that order. */
  readonly kept: readonly SocketLine[]
  readonly total: number
}

/** Keeps the first `most` of a table: a document has no more of one, and a table may have a hundred thousand. */
export class MostTelling {
  readonly #most: number
  readonly #kept: SocketLine[] = []
  #total = 0

  constructor(most: number) {
    this.#most = most
  }

  add(line: SocketLine): void {
    this.#total += 1
    this.#kept.push(line)
    if (this.#kept.length >= 2 * this.#most + 64) cut(this.#kept, this.#most)
  }

  /** Of which so many are wanted by now. */
  end(most = this.#most): SocketTable {
    cut(this.#kept, most)
    return { kept: this.#kept, total: this.#total }
  }
}

/** What two readings of the same table tell together: what one container leaves out, another may show. */
export function merged(one: SocketTable, other: SocketTable): SocketTable {
  const all = new Map(one.kept.map((line) => [socketIdentity(line), line]))
  for (const line of other.kept) all.set(socketIdentity(line), line)
  const total = Math.max(one.total, other.total, all.size)
  return { kept: [...all.values()].sort(compareSockets).slice(0, MOST_ROWS), total }
}

/** A socket in TIME_WAIT has no inode any more. */
export function socketIdentity({ inode, local, remote, state }: SocketLine): string {
  return JSON.stringify([inode, local?.address, local?.port, remote?.address, remote?.port, state])
}

/** Of one table: connections first, since what is cut off at the end of a long list is the least telling. */
export function compareSockets(a: SocketLine, b: SocketLine): number {
  return weight(a) - weight(b) || (a.local?.port ?? 0) - (b.local?.port ?? 0) || a.inode - b.inode
}

/** How much a socket tells, most first. */
export function weight({ protocol, state, remote }: SocketLine): number {
  if (protocol === 'unix') return 5
  if (protocol === 'packet' || protocol.startsWith('raw')) return 1
  if (state === 'listen') return 2
  const isConnected = remote !== undefined && remote.port !== 0
  if (protocol.startsWith('tcp') && state !== 'time-wait' && state !== 'close') return 0
  return isConnected && state === 'established' ? 0 : isConnected ? 3 : 4
}

function cut(lines: SocketLine[], most: number): void {
  lines.sort(compareSockets)
  lines.length = Math.min(lines.length, Math.max(0, most))
}
