import type { CaptureItem, FileItem } from '../../formats/proc/capture.js'
import { linkTarget } from '../../formats/proc/link-target.js'
import { parseIdentities, parseLinks } from '../../formats/proc/links.js'
import { executableMaps } from '../../formats/proc/maps.js'
import { mountedDevices } from '../../formats/proc/mountinfo.js'
import {
  type ByteOrder,
  parseSockets,
  SOCKET_TABLES,
  type SocketLine,
  type SocketProtocol,
} from '../../formats/proc/sockets.js'
import { parseBootTime, parseStat } from '../../formats/proc/stat.js'
import { parseStatus } from '../../formats/proc/status.js'
import { zeroWords } from '../../formats/proc/zero-words.js'
import { newRecord, type ProcessRecord } from './process-record.js'
import { Retention } from './retention.js'

const MOST_PROCESSES = 100_000
const MOST_FILES = 128
const MOST_SOCKET_DESCRIPTORS = 200_000
const MOST_SOCKETS = 100_000
const MOST_HOLDERS = 8
const MOST_ARGS = 256
const MOST_NAMES = 256
const MOST_AREAS = 64
/** Of all processes together; past it a process has few, and says how many more. */
const ALL_FILES = 60_000
const ALL_AREAS = 30_000
const FEW_AREAS = 2
const ARG_BYTES = 4096
const COMMAND_BYTES = 16_384

/** Variables that make the loader, an interpreter or a shell run something else: their values are worth a line. */
const LOADER =
  /^(?:LD_[A-Z_]+|PATH|BASH_ENV|ENV|HISTFILE|PROMPT_COMMAND|PYTHONPATH|PERL5OPT|NODE_OPTIONS|JAVA_TOOL_OPTIONS)$/

export interface SocketHolders {
  readonly holders: { readonly pid: number; readonly fd: number }[]
  more: number
}

/** What a capture says of processes and sockets, joined while it is read. Bounded whatever the capture says. */
export class ProcessTable {
  readonly processes = new Map<number, ProcessRecord>()
  /** By network namespace, by table; a table that is not there could not be read. */
  readonly sockets = new Map<number, Map<SocketProtocol, readonly SocketLine[]>>()
  readonly holders = new Map<number, SocketHolders>()
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
  readonly #retention = new Retention()
  #files = 0
  #areas = 0
  #socketDescriptors = 0
  #socketLines = 0

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
          const link = identity.name.startsWith('fd/')
            ? record?.files.get(Number(identity.name.slice(3)))
            : record?.links.get(identity.name)
          if (link !== undefined) link.identity = identity
        }
        break
      case 'done':
        this.#takeComplaints(item.complaints)
        break
      case 'denied':
        this.processes.get(item.pid)?.missing.add('open files: not permitted')
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
    if (table !== undefined) this.#takeSockets(record?.namespaces.get('net') ?? 0, table, item)
    if (record === undefined) return
    if (!item.whole) record.missing.add(`${name}: reading it hung`)
    else if (item.full) record.missing.add(`${name}: cut`)
    if (content.length === 0) return
    switch (name) {
      case 'stat': {
        const stat = parseStat(content)
        if (item.pass === 2 && record.first !== undefined) record.second ??= stat
        else record.first ??= stat
        break
      }
      case 'status':
        record.status = parseStatus(content)
        break
      case 'cmdline': {
        const { words, count } = zeroWords(this.#retention.cut(content, COMMAND_BYTES), MOST_ARGS)
        const all = zeroWords(content, 0).count
        record.args = { words: words.map((word) => word.subarray(0, ARG_BYTES)), count: Math.max(count, all) }
        break
      }
      case 'environ':
        record.environment = this.#environment(content)
        break
      case 'maps':
        record.maps = executableMaps(content, this.#areas < ALL_AREAS ? MOST_AREAS : FEW_AREAS)
        this.#areas += record.maps.executable.length
        break
      case 'mountinfo':
        this.devices.set(record.namespaces.get('mnt') ?? 0, mountedDevices(content))
        break
      default:
        break
    }
  }

  #environment(content: Buffer): NonNullable<ProcessRecord['environment']> {
    const { words, count } = zeroWords(content, MOST_NAMES)
    const names: string[] = []
    const loader: { name: string; value: string }[] = []
    for (const word of words) {
      const equals = word.indexOf(0x3d)
      const name = this.#retention.cut(equals === -1 ? word : word.subarray(0, equals), 128).toString('utf8')
      names.push(name)
      if (equals !== -1 && LOADER.test(name)) {
        loader.push({ name, value: this.#retention.cut(word.subarray(equals + 1), 1024).toString('utf8') })
      }
    }
    return { names, count, loader }
  }

  #takeSockets(namespace: number, protocol: SocketProtocol, { content, full }: FileItem): void {
    const lines = parseSockets(protocol, content, this.#byteOrder)
    if (lines === undefined) return
    const fits = lines.slice(0, Math.max(0, MOST_SOCKETS - this.#socketLines))
    if (full || fits.length < lines.length) this.degraded.add(`sockets ${protocol}: the table was cut`)
    const tables = this.sockets.get(namespace) ?? new Map<SocketProtocol, readonly SocketLine[]>()
    this.sockets.set(namespace, tables)
    this.#socketLines += fits.length - (tables.get(protocol)?.length ?? 0)
    tables.set(protocol, fits)
  }

  #takeLink(pid: number, name: string, target: string | undefined): void {
    const record = this.processes.get(pid)
    if (record === undefined) return
    if (name.startsWith('fd/')) {
      if (target !== undefined) this.#takeDescriptor(record, Number(name.slice(3)), target)
      return
    }
    if (target === undefined) return
    const namespace = /^[a-z_]{1,20}:\[([0-9]{1,20})\]$/.exec(target)?.[1]
    if (name.startsWith('ns/')) {
      if (namespace !== undefined) record.namespaces.set(name.slice(3), Number(namespace))
    } else {
      record.links.set(name, { target: this.#cutText(target) })
    }
  }

  #takeDescriptor(record: ProcessRecord, fd: number, text: string): void {
    record.descriptors += 1
    const target = linkTarget(text)
    if (target.kind === 'socket') {
      record.sockets += 1
      this.#socketDescriptors += 1
      if (this.#socketDescriptors > MOST_SOCKET_DESCRIPTORS) {
        this.degraded.add(
          `more than ${MOST_SOCKET_DESCRIPTORS} open sockets: not all are joined to processes`,
        )
        return
      }
      const known = this.holders.get(target.inode) ?? { holders: [], more: 0 }
      this.holders.set(target.inode, known)
      if (known.holders.length < MOST_HOLDERS) known.holders.push({ pid: record.pid, fd })
      else known.more += 1
    } else if (target.kind === 'path' || target.kind === 'memfd') {
      // What has a mark is worth more than the thousandth log file
      const isMarked = target.kind === 'memfd' || target.marked
      const most = isMarked ? 4 : 1
      if (record.files.size < most * MOST_FILES && this.#files < most * ALL_FILES) {
        this.#files += 1
        record.files.set(fd, { target: this.#cutText(text) })
      } else record.filesMore += 1
    }
  }

  #cutText(text: string): string {
    return this.#retention.cut(Buffer.from(text, 'latin1'), 4200).toString('latin1')
  }

  #takeComplaints(text: string): void {
    const complaint =
      /\/proc\/([0-9]{1,10})\/([a-z]{1,12})(?:\/[0-9a-z_]{1,20})?['’]?[^:\n]{0,80}: ([^\n]{1,80})/g
    for (const [, pid, name = '', why = ''] of text.matchAll(complaint)) {
      const denied = why.includes('ermission denied') || why.includes('not permitted')
      if (denied) this.processes.get(Number(pid))?.missing.add(`${name}: not permitted`)
    }
  }
}
