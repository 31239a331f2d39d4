import type { CaptureItem, FileItem } from '../../formats/proc/capture.js'
import { linkTarget } from '../../formats/proc/link-target.js'
import { parseIdentities, parseLinks } from '../../formats/proc/links.js'
import { mountedDevices } from '../../formats/proc/mountinfo.js'
import {
  type ByteOrder,
  SOCKET_TABLES,
  type SocketProtocol,
  SocketTableReader,
} from '../../formats/proc/sockets.js'
import { parseBootTime, type ProcessStat } from '../../formats/proc/stat.js'
import { parseStatus } from '../../formats/proc/status.js'
import { KeptFacts } from './kept-facts.js'
import { linkOf, NAMESPACES, newRecord, noteMissing, type ProcessRecord } from './process-record.js'
import { SocketHolders } from './socket-holders.js'
import { MOST_ROWS, MostTelling, type SocketTable } from './socket-tables.js'

const MOST_PROCESSES = 100_000
const MOST_FILES = 128
const MOST_SOCKET_DESCRIPTORS = 200_000
/** Of all namespaces and tables. */
const MOST_SOCKETS = 40_000
/** Of all processes together; past it a process has few, and says how many more. Of files with a mark twice as many. */
const ALL_FILES = 60_000

/** What a capture says of processes and sockets, joined while it is read. Bounded whatever the capture says. */
export class ProcessTable {
  readonly processes = new Map<number, ProcessRecord>()
  /** By network namespace, by table; a table that is not there could not be read. */
  readonly sockets = new Map<number, Map<SocketProtocol, SocketTable>>()
  readonly holders = new SocketHolders(MOST_SOCKET_DESCRIPTORS)
  /** Devices mounted in a mount namespace. */
  readonly devices = new Map<number, ReadonlySet<string>>()
  /** By container ID, where the capture tells containers apart. */
  readonly containers = new Map<number, string>()
  readonly moved = new Set<number>()
  readonly degraded = new Set<string>()
  bootTime: number | undefined
  self: number | undefined
  /** Whether the capture said that nothing is missing after it. */
  ended = false
  sawSecondPass = false

  readonly #byteOrder: ByteOrder
  readonly #keep = new KeptFacts()
  #files = 0
  #socketsKept = 0
  /** That of which bytes come. */
  #table: { readonly reader: SocketTableReader; readonly lines: MostTelling } | undefined

  constructor(byteOrder: ByteOrder) {
    this.#byteOrder = byteOrder
  }

  take(item: CaptureItem): void {
    switch (item.kind) {
      case 'self':
        this.self = item.pid
        break
      case 'pass':
        if (item.number === 2) this.sawSecondPass = true
        for (const pid of item.pids) this.#listed(pid, item.number)
        break
      case 'container':
        for (const pid of item.pids) this.containers.set(pid, item.id)
        break
      case 'moved':
        for (const pid of item.pids) this.moved.add(pid)
        break
      case 'file':
        this.#takeFile(item)
        break
      case 'links':
        for (const { pid, name, target } of parseLinks(item.lines)) this.#takeLink(pid, name, target)
        break
      case 'identity':
        for (const identity of parseIdentities(item.lines)) {
          const record = this.processes.get(identity.pid)
          const link = record === undefined ? undefined : linkOf(record, identity.name)
          if (link !== undefined) link.identity = this.#keep.identity(identity)
        }
        break
      case 'done':
        this.#takeComplaints(item.complaints)
        break
      case 'denied':
        this.#missing(item.pid, 'open files: not permitted')
        break
      case 'fds': {
        const record = this.processes.get(item.pid)
        if (record !== undefined) record.descriptorsCut = true
        break
      }
      case 'skipped':
        if (/^[a-z]{1,20}$/.test(item.what)) {
          this.degraded.add(`${item.what}: given up, reading hung for five processes or files`)
        }
        break
      case 'end':
        this.ended = true
        break
    }
  }

  #listed(pid: number, pass: number): void {
    let record = this.processes.get(pid)
    if (record === undefined) {
      if (this.processes.size >= MOST_PROCESSES) {
        this.degraded.add(`more than ${MOST_PROCESSES} processes: the others are in the capture alone`)
        return
      }
      record = newRecord(pid, pass === 1)
      this.processes.set(pid, record)
    }
    if (pass === 2) record.inSecond = true
  }

  #takeFile(item: FileItem): void {
    const { of, name, content } = item
    if (of === '.') {
      if (name === 'stat') this.bootTime ??= parseBootTime(content)
      return
    }
    const pid = of === 'self' ? this.self : Number(of)
    const record = this.processes.get(pid ?? -1)
    const table = SOCKET_TABLES.find((protocol) => name === `net/${protocol}`)
    if (table !== undefined) this.#takeSockets(record?.namespaces.net ?? 0, table, item.full)
    if (record === undefined) return
    if (!item.whole) noteMissing(record, `${name}: reading it hung`)
    else if (item.full) noteMissing(record, `${name}: cut`)
    if (content.length === 0) return
    switch (name) {
      case 'stat': {
        const stat = this.#keep.stat(content)
        const { first } = record
        if (first === undefined || item.pass !== 2) record.first ??= stat
        else record.second ??= stat !== undefined && isSame(first, stat) ? first : stat
        break
      }
      case 'status': {
        const { nsPids, ...status } = parseStatus(content)
        record.nsPids = nsPids
        record.status = this.#keep.status(status)
        break
      }
      case 'cmdline':
        record.args = this.#keep.args(content)
        break
      case 'environ':
        record.environment = this.#keep.environment(content)
        break
      case 'maps':
        record.maps = this.#keep.maps(content)
        break
      case 'mountinfo':
        this.devices.set(record.namespaces.mnt ?? 0, mountedDevices(content))
        break
      default:
        break
    }
  }

  /** What takes the bytes of a file as they come, in place of its item: of a table of sockets, which may have many megabytes. */
  divert(name: string): ((bytes: Buffer) => void) | undefined {
    const protocol = SOCKET_TABLES.find((one) => name === `net/${one}`)
    if (protocol === undefined) return undefined
    const [reader, lines] = [new SocketTableReader(protocol, this.#byteOrder), new MostTelling(MOST_ROWS)]
    this.#table = { reader, lines }
    return (bytes) => {
      for (const line of reader.push(bytes)) lines.add(line)
    }
  }

  #takeSockets(namespace: number, protocol: SocketProtocol, full: boolean): void {
    const reading = this.#table
    this.#table = undefined
    for (const line of reading?.reader.end() ?? []) reading?.lines.add(line)
    if (reading?.reader.isTable !== true) return
    const tables = this.sockets.get(namespace) ?? new Map<SocketProtocol, SocketTable>()
    this.sockets.set(namespace, tables)
    this.#socketsKept -= tables.get(protocol)?.kept.length ?? 0
    const table = reading.lines.end(Math.min(MOST_ROWS, MOST_SOCKETS - this.#socketsKept))
    this.#socketsKept += table.kept.length
    if (full) this.degraded.add(`sockets ${protocol}: the table was cut`)
    if (table.kept.length < Math.min(table.total, MOST_ROWS)) {
      this.degraded.add(`sockets ${protocol}: not all of so many namespaces' are told`)
    }
    tables.set(protocol, table)
  }

  #takeLink(pid: number, name: string, target: string | undefined): void {
    const record = this.processes.get(pid)
    if (record === undefined) return
    if (name.startsWith('fd/')) {
      if (target !== undefined) this.#takeDescriptor(record, Number(name.slice(3)), target)
      return
    }
    if (target === undefined) return
    if (name.startsWith('ns/')) {
      const kind = NAMESPACES.find((one) => one === name.slice(3))
      const namespace = /^[a-z_]{1,20}:\[([0-9]{1,20})\]$/.exec(target)?.[1]
      if (kind !== undefined && namespace !== undefined) record.namespaces[kind] = Number(namespace)
    } else if (name === 'exe' || name === 'cwd' || name === 'root') {
      record[name] = this.#keep.link(target)
    }
  }

  #takeDescriptor(record: ProcessRecord, fd: number, text: string): void {
    record.descriptors += 1
    const target = linkTarget(text)
    if (target.kind === 'socket') {
      record.sockets += 1
      if (!this.holders.add(target.inode, { pid: record.pid, fd })) {
        this.degraded.add(
          `more than ${MOST_SOCKET_DESCRIPTORS} open sockets: not all are joined to processes`,
        )
      }
    } else if (target.kind === 'path' || target.kind === 'memfd') {
      // What has a mark is worth more than the thousandth log file
      const isMarked = target.kind === 'memfd' || target.marked
      const perProcess = (isMarked ? 4 : 1) * MOST_FILES
      if (record.files.length < perProcess && this.#files < (isMarked ? 2 : 1) * ALL_FILES) {
        if (record.files.some((file) => file.fd === fd)) return
        this.#files += 1
        record.files.push({ fd, ...this.#keep.link(text) })
      } else record.filesMore += 1
    }
  }

  #missing(pid: number, what: string): void {
    const record = this.processes.get(pid)
    if (record !== undefined) noteMissing(record, what)
  }

  #takeComplaints(text: string): void {
    const complaint =
      /\/proc\/([0-9]{1,10})\/([a-z]{1,12})(?:\/[0-9a-z_]{1,20})?['’]?[^:\n]{0,80}: ([^\n]{1,80})/g
    for (const [, pid, name = '', why = ''] of text.matchAll(complaint)) {
      const denied = why.includes('ermission denied') || why.includes('not permitted')
      if (denied) this.#missing(Number(pid), `${name}: not permitted`)
    }
  }
}

function isSame(one: ProcessStat, other: ProcessStat): boolean {
  return one.starttime === other.starttime && one.comm === other.comm
}
