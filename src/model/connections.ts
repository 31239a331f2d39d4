import type { SocketRow, SocketsDocument } from './process-documents.js'

/** A connection to somewhere else than the pod itself, as its own kernel had it before containment and after. */
export interface Connection {
  readonly protocol: string
  /** 'ADDRESS:PORT' */
  readonly local: string
  readonly remote: string
  readonly state: string
  /** 'app 47 kworker/u8:2'; the last seen. */
  readonly holders: readonly string[]
  /** Where sockets were not read again nobody knows. */
  readonly after: 'still there' | 'gone' | 'new' | 'not looked at'
}

/**
 * Connections of both readings, those that were there after the cut first. That one is still there means that neither end has
 * closed it and no time ran out: not that packets still pass.
 */
export function connectionsOf(
  before: SocketsDocument | undefined,
  after: SocketsDocument | undefined,
): readonly Connection[] {
  const [earlier, later] = [connected(before), connected(after)]
  const found: Connection[] = []
  for (const [key, row] of later) {
    const isNew = before !== undefined && !earlier.has(key)
    found.push(connection(row, isNew ? 'new' : 'still there'))
  }
  // A list that was cut proves no absence
  const isKnown =
    after !== undefined && after.socketsMore === 0 && after.captures.every(({ complete }) => complete)
  for (const [key, row] of earlier) {
    if (!later.has(key)) found.push(connection(row, isKnown ? 'gone' : 'not looked at'))
  }
  return found
}

const NOT_CONNECTED = new Set(['listen', 'close', 'time-wait'])

function connected(document: SocketsDocument | undefined): ReadonlyMap<string, SocketRow> {
  const rows = (document?.sockets ?? []).filter(({ protocol, state, local, remote }) => {
    if (local === undefined || remote === undefined || remote.port === 0) return false
    if (!/^(?:tcp|udp)6?$/.test(protocol) || NOT_CONNECTED.has(state ?? '')) return false
    return !isLoopback(remote.address) && remote.address !== local.address
  })
  return new Map(
    rows.map((row) => [JSON.stringify([row.namespace, row.protocol, row.local, row.remote]), row]),
  )
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}

function connection(row: SocketRow, after: Connection['after']): Connection {
  const holders = row.holders.map(({ container, pid, comm }) => `${container} ${pid} ${comm}`)
  return {
    protocol: row.protocol,
    local: endpoint(row.local),
    remote: endpoint(row.remote),
    state: row.state ?? 'unknown',
    holders: [...new Set(holders)],
    after,
  }
}

function endpoint(end: SocketRow['local']): string {
  if (end === undefined) return ''
  return end.address.includes(':') ? `[${end.address}]:${end.port}` : `${end.address}:${end.port}`
}
