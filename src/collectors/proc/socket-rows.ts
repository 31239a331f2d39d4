import type { SocketLine, SocketProtocol } from '../../formats/proc/sockets.js'
import type { SocketRow, SocketsDocument } from '../../model/process-documents.js'
import type { Captured } from './captures.js'
import { keptText } from './retention.js'

const MOST_ROWS = 5_000
const MOST_NAMESPACES = 500

interface Namespace {
  readonly containers: Set<string>
  readonly tables: Map<SocketProtocol, readonly SocketLine[]>
}

/**
 * Sockets of all captures, once for each network namespace, joined to who holds them: a namespace that several containers share is
 * seen by each of them. Connections first, since what is cut off at the end of a long list is the least telling.
 */
export function socketsOf(
  captured: readonly Captured[],
): Pick<SocketsDocument, 'namespaces' | 'sockets' | 'socketsMore'> {
  const namespaces = namespacesOf(captured)
  const sorted = [...namespaces].sort(([a], [b]) => a - b)
  const all = sorted.flatMap(([inode, { tables }]) =>
    [...tables.values()].flatMap((lines) => lines.map((line) => ({ inode, line }))),
  )
  all.sort(
    (a, b) =>
      weight(a.line) - weight(b.line) ||
      a.inode - b.inode ||
      byText(a.line.protocol, b.line.protocol) ||
      (a.line.local?.port ?? 0) - (b.line.local?.port ?? 0) ||
      a.line.inode - b.line.inode,
  )
  return {
    namespaces: sorted.slice(0, MOST_NAMESPACES).map(([inode, { containers, tables }]) => ({
      inode,
      containers: [...containers].sort(),
      tables: [...tables].map(([protocol, lines]) => ({ protocol, sockets: lines.length })),
    })),
    sockets: all.slice(0, MOST_ROWS).map(({ inode, line }) => rowOf(inode, line, captured)),
    socketsMore: Math.max(0, all.length - MOST_ROWS),
  }
}

function namespacesOf(captured: readonly Captured[]): Map<number, Namespace> {
  const namespaces = new Map<number, Namespace>()
  for (const { table, naming } of captured) {
    for (const [inode, tables] of table.sockets) {
      const known: Namespace = namespaces.get(inode) ?? { containers: new Set(), tables: new Map() }
      namespaces.set(inode, known)
      // Each reading of the same tables is as good as the other: what one container leaves out, another may show
      for (const [protocol, lines] of tables) {
        const merged = new Map((known.tables.get(protocol) ?? []).map((line) => [identity(line), line]))
        for (const line of lines) merged.set(identity(line), line)
        known.tables.set(protocol, [...merged.values()])
      }
    }
    for (const { pid, namespaces: own } of table.processes.values()) {
      const container = naming.container(pid)
      if (container !== undefined) namespaces.get(own.get('net') ?? 0)?.containers.add(container)
    }
  }
  return namespaces
}

/** A socket in TIME_WAIT has no inode any more. */
function identity({ inode, local, remote, state }: SocketLine): string {
  return JSON.stringify([inode, local?.address, local?.port, remote?.address, remote?.port, state])
}

function rowOf(namespace: number, line: SocketLine, captured: readonly Captured[]): SocketRow {
  const known = captured.flatMap(({ table, naming }) => {
    const { holders = [], more = 0 } = table.holders.get(line.inode) ?? {}
    return holders.map(({ pid, fd }, index) => ({
      container: naming.container(pid) ?? '',
      pid,
      comm: keptText(table.processes.get(pid)?.first?.comm ?? '').text,
      fd,
      more: index === 0 ? more : 0,
    }))
  })
  return {
    namespace,
    protocol: line.protocol,
    inode: line.inode,
    ...(line.state === undefined ? {} : { state: line.state }),
    ...(line.local === undefined ? {} : { local: line.local }),
    ...(line.remote === undefined ? {} : { remote: line.remote }),
    ...(line.uid === undefined ? {} : { uid: line.uid }),
    ...(line.detail === undefined ? {} : { detail: keptText(line.detail).text }),
    holders: known.map(({ more: _more, ...holder }) => holder),
    holdersMore: known.reduce((sum, { more }) => sum + more, 0),
  }
}

/** How much a socket tells, most first. */
function weight({ protocol, state, remote }: SocketLine): number {
  if (protocol === 'unix') return 5
  if (protocol === 'packet' || protocol.startsWith('raw')) return 1
  if (state === 'listen') return 2
  const isConnected = remote !== undefined && remote.port !== 0
  if (protocol.startsWith('tcp') && state !== 'time-wait' && state !== 'close') return 0
  return isConnected && state === 'established' ? 0 : isConnected ? 3 : 4
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
