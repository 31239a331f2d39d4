import type { SocketLine, SocketProtocol } from '../../formats/proc/sockets.js'
import type { SocketRow, SocketsDocument } from '../../model/process-documents.js'
import type { Captured } from './captures.js'
import { keptText } from './retention.js'
import { merged, MOST_ROWS, socketIdentity, type SocketTable, weight } from './socket-tables.js'

const MOST_NAMESPACES = 500

interface Namespace {
  readonly containers: Set<string>
  readonly tables: Map<SocketProtocol, SocketTable>
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
    [...tables.values()].flatMap(({ kept }) => kept.map((line) => ({ inode, line }))),
  )
  all.sort(
    (a, b) =>
      weight(a.line) - weight(b.line) ||
      a.inode - b.inode ||
      byText(a.line.protocol, b.line.protocol) ||
      (a.line.local?.port ?? 0) - (b.line.local?.port ?? 0) ||
      a.line.inode - b.line.inode,
  )
  // a table that changes while it is read can have a socket twice
  const told = all.filter(({ inode, line }, at) => {
    const before = all[at - 1]
    if (before?.inode !== inode || before.line.inode !== line.inode) return true
    return socketIdentity(before.line) !== socketIdentity(line)
  })
  const total = sorted
    .flatMap(([, { tables }]) => [...tables.values()])
    .reduce((sum, table) => sum + table.total, told.length - all.length)
  return {
    namespaces: sorted.slice(0, MOST_NAMESPACES).map(([inode, { containers, tables }]) => ({
      inode,
      containers: [...containers].sort(),
      tables: [...tables].map(([protocol, { total: sockets }]) => ({ protocol, sockets })),
    })),
    sockets: told.slice(0, MOST_ROWS).map(({ inode, line }) => rowOf(inode, line, captured)),
    socketsMore: Math.max(0, total - Math.min(told.length, MOST_ROWS)),
  }
}

function namespacesOf(captured: readonly Captured[]): Map<number, Namespace> {
  const namespaces = new Map<number, Namespace>()
  for (const { table, naming } of captured) {
    for (const [inode, tables] of table.sockets) {
      const known: Namespace = namespaces.get(inode) ?? { containers: new Set(), tables: new Map() }
      namespaces.set(inode, known)
      for (const [protocol, table] of tables) {
        const before = known.tables.get(protocol)
        known.tables.set(protocol, before === undefined ? table : merged(before, table))
      }
    }
    for (const { pid, namespaces: own } of table.processes.values()) {
      const container = naming.container(pid)
      if (container !== undefined) namespaces.get(own.net ?? 0)?.containers.add(container)
    }
  }
  return namespaces
}

function rowOf(namespace: number, line: SocketLine, captured: readonly Captured[]): SocketRow {
  const known = captured.flatMap(({ table, naming }) => {
    const { holders, more } = table.holders.of(line.inode)
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

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
