/** A line of one of the tables below /proc/PID/net. */
export interface SocketLine {
  readonly protocol: SocketProtocol
  readonly inode: number
  /** Of the owner; undefined where the table has none. */
  readonly uid: number | undefined
  readonly state: SocketState | undefined
  readonly local: SocketAddress | undefined
  readonly remote: SocketAddress | undefined
  /** unix: as latin1, '@' for the zero byte of an abstract name. packet: EtherType and interface. */
  readonly detail: string | undefined
}

/** Of the machine whose table it is: s390x alone, among those that run Kubernetes, is big-endian. */
export type ByteOrder = 'little' | 'big'

export type SocketProtocol = 'tcp' | 'tcp6' | 'udp' | 'udp6' | 'raw' | 'raw6' | 'packet' | 'unix'

export interface SocketAddress {
  /** Dotted where it is IPv4, mapped into IPv6 too; else as RFC 5952 writes it. */
  readonly address: string
  /** For raw sockets the IP protocol. */
  readonly port: number
}

/** include/net/tcp_states.h; datagram sockets use two of them. */
const STATES = [
  undefined,
  'established',
  'syn-sent',
  'syn-received',
  'fin-wait-1',
  'fin-wait-2',
  'time-wait',
  'close',
  'close-wait',
  'last-ack',
  'listen',
  'closing',
  'syn-received',
] as const

export type SocketState = Exclude<(typeof STATES)[number], undefined> | 'connected' | 'unconnected'

/** By the kernel's number for it. */
export function socketState(number: number): SocketState | undefined {
  return STATES[number]
}

export const SOCKET_TABLES: readonly SocketProtocol[] = [
  'tcp',
  'tcp6',
  'udp',
  'udp6',
  'raw',
  'raw6',
  'packet',
  'unix',
]

const NEWLINE = 0x0a

/** include/uapi/linux/net.h: of unix sockets. */
const UNIX_STATES: Readonly<Record<string, SocketState>> = { '01': 'unconnected', '03': 'connected' }
/** __SO_ACCEPTCON */
const UNIX_LISTENS = 0x10000

/** A unix socket's name has at most 108 bytes, with four for each that is escaped; a longer line is none. */
const LONGEST_LINE = 4096
const HEADING = /^ *(?:sl|sk|Num) /
const NOTHING = Buffer.alloc(0)

/**
 * Reads one table as it comes, which may have many megabytes, and holds the beginning of one line. Lines that are none are left out.
 * Source: Documentation/networking/proc_net_tcp, net/unix/af_unix.c, net/packet/af_packet.c.
 */
export class SocketTableReader {
  readonly #protocol: SocketProtocol
  readonly #byteOrder: ByteOrder
  readonly #parse: typeof internetLine
  #rest = NOTHING
  #isTable: boolean | undefined

  constructor(protocol: SocketProtocol, byteOrder: ByteOrder = 'little') {
    this.#protocol = protocol
    this.#byteOrder = byteOrder
    this.#parse = protocol === 'unix' ? unixLine : protocol === 'packet' ? packetLine : internetLine
  }

  /** False where it has no heading, that is: it could not be read. */
  get isTable(): boolean {
    return this.#isTable === true
  }

  /** Of the lines that end in these bytes. */
  *push(bytes: Buffer): Generator<SocketLine, void, undefined> {
    const text = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let from = 0
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, from)) {
      const line = this.#line(text.subarray(from, end))
      if (line !== undefined) yield line
      from = end + 1
    }
    // a copy: the memory of what comes is used again
    this.#rest = from === text.length ? NOTHING : Buffer.from(text.subarray(from, from + LONGEST_LINE))
  }

  /** Of a last line that has no end. */
  *end(): Generator<SocketLine, void, undefined> {
    const line = this.#rest.length === 0 ? undefined : this.#line(this.#rest)
    this.#rest = NOTHING
    if (line !== undefined) yield line
  }

  #line(bytes: Buffer): SocketLine | undefined {
    // its own string: a part of a larger one would keep all of that
    const text = bytes.toString('latin1', 0, LONGEST_LINE)
    if (this.#isTable === undefined) {
      this.#isTable = HEADING.test(text)
      return undefined
    }
    return this.#isTable ? this.#parse(this.#protocol, text, this.#byteOrder) : undefined
  }
}

function internetLine(protocol: SocketProtocol, line: string, byteOrder: ByteOrder): SocketLine | undefined {
  const match =
    /^ *[0-9]+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) [0-9A-F:]+ [0-9A-F:]+ [0-9A-F]+ +([0-9]{1,10}) +[0-9]+ ([0-9]{1,20})(?: |$)/.exec(
      line,
    )
  if (match === null) return undefined
  const [, localAddress = '', localPort = '', remoteAddress = '', remotePort = '', state = '', uid, inode] =
    match
  return {
    protocol,
    inode: Number(inode),
    uid: Number(uid),
    state: STATES[Number.parseInt(state, 16)],
    local: { address: addressFrom(localAddress, byteOrder), port: Number.parseInt(localPort, 16) },
    remote: { address: addressFrom(remoteAddress, byteOrder), port: Number.parseInt(remotePort, 16) },
    detail: undefined,
  }
}

/** The path is the rest of the line, blanks included; a newline in it begins a line that is none of the table's form. */
function unixLine(protocol: SocketProtocol, line: string): SocketLine | undefined {
  const match =
    /^[0-9a-fK]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]{8}) [0-9A-F]{4} ([0-9A-F]{2}) +([0-9]{1,20})(?: (.*))?$/.exec(
      line,
    )
  if (match === null) return undefined
  const [, flags = '0', state = '', inode, path] = match
  const listens = (Number.parseInt(flags, 16) & UNIX_LISTENS) !== 0
  return {
    protocol,
    inode: Number(inode),
    uid: undefined,
    state: listens ? 'listen' : UNIX_STATES[state],
    local: undefined,
    remote: undefined,
    detail: path === undefined || path === '' ? undefined : path.slice(0, 200),
  }
}

function packetLine(protocol: SocketProtocol, line: string): SocketLine | undefined {
  const words = line.trim().split(/ +/)
  const [, , , ethertype = '', iface = '', , , uid = '', inode = ''] = words
  if (words.length < 9 || !/^[0-9a-f]{4}$/i.test(ethertype) || !/^[0-9]{1,20}$/.test(inode)) return undefined
  return {
    protocol,
    inode: Number(inode),
    uid: /^[0-9]{1,10}$/.test(uid) ? Number(uid) : undefined,
    state: undefined,
    local: undefined,
    remote: undefined,
    detail: `ethertype 0x${ethertype.toLowerCase()}, interface ${Number.parseInt(iface, 10) || 0}`,
  }
}

/** Each 32-bit word stands as a number of the machine: on a little-endian one with its bytes the other way round. */
function addressFrom(hex: string, byteOrder: ByteOrder): string {
  const bytes: number[] = []
  for (let word = 0; word < hex.length; word += 8) {
    const inWord = [...Buffer.from(hex.slice(word, word + 8), 'hex')]
    bytes.push(...(byteOrder === 'little' ? inWord.reverse() : inWord))
  }
  return ipAddress(bytes)
}

/** Of 4 or 16 bytes in network order: dotted where it is IPv4, mapped into IPv6 too, else as RFC 5952 writes it. */
export function ipAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  return isMapped ? bytes.slice(12).join('.') : ipv6(bytes)
}

/** RFC 5952: the first longest run of at least two zero groups becomes '::'. */
function ipv6(bytes: readonly number[]): string {
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0),
  )
  let [start, length] = [0, 0]
  for (let from = 0; from < 8; from += 1) {
    let to = from
    while (to < 8 && groups[to] === 0) to += 1
    if (to - from > length) [start, length] = [from, to - from]
    from = Math.max(from, to)
  }
  const hex = groups.map((group) => group.toString(16))
  return length < 2
    ? hex.join(':')
    : `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}
