import { ipAddress, type SocketAddress, type SocketState, socketState } from '../proc/sockets.js'
import { type ProtoFields, readProto } from '../protobuf.js'
import { criuEntries } from './image.js'

/** A file by its path, as it was opened. Source: CRIU, images/regfile.proto. */
export interface CriuRegularFile {
  readonly id: number
  /** As bytes; the mount that it is below is not told. */
  readonly path: Buffer
}

/** Source: CRIU, images/sk-inet.proto. */
export interface CriuInetSocket {
  readonly id: number
  readonly inode: number | undefined
  readonly protocol: string
  readonly state: SocketState | undefined
  readonly local: SocketAddress
  readonly remote: SocketAddress
}

export interface CriuFiles {
  readonly regular: readonly CriuRegularFile[]
  readonly sockets: readonly CriuInetSocket[]
  /** Pipes, unix sockets, terminals and all else. */
  readonly others: number
}

/** Of fd_types. */
const [REGULAR, INET] = [1, 4]

/** files.img, in which CRIU since 3.8 has all kinds together. */
export function readFiles(image: Buffer, bigEndian: boolean): CriuFiles {
  const regular: CriuRegularFile[] = []
  const sockets: CriuInetSocket[] = []
  let others = 0
  for (const entry of criuEntries(image, 'files')) {
    const fields = readProto(entry, [1, 3, 4])
    const type = fields.number(1)
    const file = type === REGULAR ? regularFile(fields.bytes(3)) : undefined
    const socket = type === INET ? inetSocket(fields.bytes(4), bigEndian) : undefined
    if (file !== undefined) regular.push(file)
    else if (socket !== undefined) sockets.push(socket)
    else others += 1
  }
  return { regular, sockets, others }
}

/** reg-files.img of older versions. */
export function readRegularFiles(image: Buffer): readonly CriuRegularFile[] {
  return [...criuEntries(image, 'reg-files')].flatMap((entry) => regularFile(entry) ?? [])
}

/** inetsk.img of older versions. */
export function readInetSockets(image: Buffer, bigEndian: boolean): readonly CriuInetSocket[] {
  return [...criuEntries(image, 'inetsk')].flatMap((entry) => inetSocket(entry, bigEndian) ?? [])
}

/** fdinfo-N.img: which file each descriptor is. */
export function readDescriptors(image: Buffer): readonly { readonly fd: number; readonly file: number }[] {
  const found: { fd: number; file: number }[] = []
  for (const entry of criuEntries(image, 'fdinfo')) {
    const fields = readProto(entry, [1, 4])
    const [file, fd] = [fields.number(1), fields.number(4)]
    if (file !== undefined && fd !== undefined) found.push({ fd, file })
  }
  return found
}

function regularFile(message: Buffer | undefined): CriuRegularFile | undefined {
  const fields = readProto(message ?? Buffer.alloc(0), [1, 6])
  const [id, path] = [fields.number(1), fields.bytes(6)]
  return id === undefined || path === undefined ? undefined : { id, path }
}

function inetSocket(message: Buffer | undefined, bigEndian: boolean): CriuInetSocket | undefined {
  const fields = readProto(message ?? Buffer.alloc(0), [1, 2, 3, 5, 6, 7, 8, 11, 12])
  const id = fields.number(1)
  if (id === undefined) return undefined
  return {
    id,
    inode: fields.number(2),
    protocol: protocolName(fields.number(3), fields.number(5)),
    state: socketState(fields.number(6) ?? 0),
    local: { address: address(fields, 11, bigEndian), port: fields.number(7) ?? 0 },
    remote: { address: address(fields, 12, bigEndian), port: fields.number(8) ?? 0 },
  }
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmp',
  136: 'udplite',
}

/** 'tcp', 'tcp6', 'udp', …; of others the number of the protocol. AF_INET6 is 10. */
function protocolName(family: number | undefined, protocol: number | undefined): string {
  return `${PROTOCOLS[protocol ?? 0] ?? `ip-${protocol ?? 0}`}${family === 10 ? '6' : ''}`
}

/** Words of an address as they lie in memory. */
function address(fields: ProtoFields, field: number, bigEndian: boolean): string {
  const words = fields.numbers(field).slice(0, 4)
  const bytes = Buffer.alloc(words.length * 4)
  words.forEach((word, index) => {
    if (bigEndian) bytes.writeUInt32BE(word % 2 ** 32, index * 4)
    else bytes.writeUInt32LE(word % 2 ** 32, index * 4)
  })
  return bytes.length === 4 || bytes.length === 16 ? ipAddress([...bytes]) : ''
}
