import type { ContainerSocket, Inside } from '../../shop/container/inside.js'
import { type Field, proto } from './proto.js'

/** Source: CRIU, criu/include/magic.h. */
const COMMON = 0x54564319
const SERVICE = 0x55105940
const MAGIC = {
  inventory: 0x58313116,
  pstree: 0x50273030,
  core: 0x55053847,
  ids: 0x54432030,
  mm: 0x57492820,
  files: 0x56303138,
  fdinfo: 0x56213732,
  stats: 0x57093306,
} as const

const TCP_STATES = { established: 1, close: 7, listen: 10 } as const
const PAGE = 4_096

/** What CRIU leaves of a container, by the names of its files: of the pages of memory a few, without what stood in them. */
export function criuImages(inside: Inside): ReadonlyMap<string, Buffer> {
  const { processes, sockets, gid } = inside
  const opened = processes.flatMap(({ pid, exe, openFiles }, index) => [
    { pid, fd: undefined, path: named(exe), id: 1 + index },
    ...(openFiles ?? []).map(({ fd, target }, at) => ({
      pid,
      fd,
      path: named(target),
      id: 1_000 * (1 + index) + at,
    })),
  ])
  const socketId = (at: number): number => 100_000 + at
  const files = [
    ...opened.map(({ id, path }) =>
      proto([1, 1], [2, id], [3, proto([1, id], [2, 0], [3, 0], [6, path], [7, 31])]),
    ),
    ...sockets.map((socket, at) => proto([1, 4], [2, socketId(at)], [4, inetSocket(socket, socketId(at))])),
  ]
  const images = new Map<string, Buffer>([
    ['inventory.img', image([MAGIC.inventory], [proto([1, 2], [2, 1])])],
    [
      'pstree.img',
      image(
        [COMMON, MAGIC.pstree],
        processes.map(({ pid, ppid }) => proto([1, pid], [2, ppid], [3, pid], [4, 1], [5, pid])),
      ),
    ],
    ['files.img', image([COMMON, MAGIC.files], files)],
  ])
  processes.forEach(({ pid, comm, uid }, index) => {
    const creds = proto([1, uid], [2, gid], [3, uid], [4, gid])
    const task = proto([1, 1], [2, 0], [3, 0], [6, comm])
    const core = proto([1, 1], [3, task], [5, proto([2, 24], [10, creds], [13, comm])])
    const descriptors: Field[][] = [
      ...opened.flatMap(({ pid: of, fd, id }) =>
        of === pid && fd !== undefined
          ? [
              [
                [1, id],
                [2, 0],
                [3, 1],
                [4, fd],
              ] as Field[],
            ]
          : [],
      ),
      ...sockets.flatMap((socket, at) =>
        socket.pid === pid
          ? [
              [
                [1, socketId(at)],
                [2, 0],
                [3, 4],
                [4, 20 + at],
              ] as Field[],
            ]
          : [],
      ),
    ]
    images.set(`core-${pid}.img`, image([COMMON, MAGIC.core], [core]))
    images.set(`ids-${pid}.img`, image([COMMON, MAGIC.ids], [proto([1, 1], [2, 2 + index])]))
    images.set(`mm-${pid}.img`, image([COMMON, MAGIC.mm], [proto([1, 0x400000], [12, 1 + index])]))
    images.set(
      `fdinfo-${2 + index}.img`,
      image(
        [COMMON, MAGIC.fdinfo],
        descriptors.map((fields) => proto(...fields)),
      ),
    )
    images.set(`pages-${1 + index}.img`, Buffer.alloc(4 * PAGE, `${comm} `))
  })
  return images
}

/** Of what has no name any more CRIU keeps the one that it had. */
function named(link: string): string {
  return link.replace(/ \(deleted\)$/, '')
}

/** stats-dump of a dump for which the processes stood 41 ms. */
export function dumpStats(): Buffer {
  return image([SERVICE, MAGIC.stats], [proto([1, proto([1, 1_204], [2, 41_377], [3, 20_118], [4, 8_802])])])
}

function inetSocket({ protocol, local, remote, state, inode }: ContainerSocket, id: number): Buffer {
  const [family, number] = protocol === 'tcp6' ? [10, 6] : protocol === 'udp' ? [2, 17] : [2, 6]
  return proto(
    [1, id],
    [2, inode],
    [3, family],
    [4, number === 6 ? 1 : 2],
    [5, number],
    [6, TCP_STATES[state]],
    [7, local.port],
    [8, remote.port],
    ...words(local.address, family === 10).map((word): Field => [11, word]),
    ...words(remote.address, family === 10).map((word): Field => [12, word]),
  )
}

/** As they lie in the memory of a little-endian machine; IPv4 in IPv6 as mapped. */
function words(address: string, six: boolean): readonly number[] {
  const four = Buffer.from(address.split('.').map(Number)).readUInt32LE(0)
  if (!six) return [four]
  return four === 0 ? [0, 0, 0, 0] : [0, 0, 0xffff0000, four]
}

function image(magic: readonly number[], entries: readonly Buffer[]): Buffer {
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value)
    return bytes
  }
  return Buffer.concat([...magic.map(word), ...entries.flatMap((entry) => [word(entry.length), entry])])
}
