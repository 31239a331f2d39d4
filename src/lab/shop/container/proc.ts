import type { ContainerProcess, ContainerSocket, Endpoint, Inside, Mount } from './inside.js'
import type { Attributes, BytePath, TreeNode } from '../files/tree.js'

/** /proc of a container as files, made when it is asked for. Source: proc(5), Linux Documentation/networking/proc_net_tcp. */
export function procTree(inside: Omit<Inside, 'mounts'>, mounts: readonly Mount[]): Map<BytePath, TreeNode> {
  const owner: Attributes = {
    mode: 0o444,
    uid: 0,
    gid: 0,
    mtime: Math.floor(inside.bootedAt.getTime() / 1000),
  }
  const tree = new Map<BytePath, TreeNode>([['', { kind: 'directory', ...owner, mode: 0o555 }]])
  const file = (path: string, text: string): void => {
    tree.set(path, { kind: 'file', content: Buffer.from(text, 'latin1'), ...owner })
  }
  const link = (path: string, target: string): void => {
    tree.set(path, { kind: 'symlink', target, ...owner, mode: 0o777 })
  }
  const directory = (path: string): void => {
    tree.set(path, { kind: 'directory', ...owner, mode: 0o555 })
  }
  file(
    'stat',
    `cpu  1 0 1 9 0 0 0 0 0 0\nbtime ${Math.floor(inside.bootedAt.getTime() / 1000)}\nprocesses 900\n`,
  )
  file('uptime', '3010000.11 8020000.57\n')
  file('version', 'Linux version 6.12.40-63.114.shop.x86_64 (build@shop) #1 SMP\n')
  link('self', '1')
  link('mounts', 'self/mounts')
  link('net', 'self/net')
  for (const process of inside.processes) {
    const at = String(process.pid)
    directory(at)
    directory(`${at}/net`)
    directory(`${at}/fd`)
    file(`${at}/comm`, `${process.comm}\n`)
    file(`${at}/cmdline`, process.cmdline.map((word) => `${word}\0`).join(''))
    file(`${at}/stat`, stat(process))
    file(`${at}/status`, status(process))
    link(`${at}/exe`, process.exe)
    link(`${at}/cwd`, '/')
    link(`${at}/root`, '/')
    file(`${at}/mountinfo`, mountinfo(mounts))
    file(`${at}/mounts`, mountsTable(mounts))
    file(`${at}/environ`, (process.environ ?? ENVIRON).map((word) => `${word}\0`).join(''))
    file(`${at}/maps`, maps(process))
    for (const [kind, inode] of Object.entries(NAMESPACES)) link(`${at}/ns/${kind}`, `${kind}:[${inode}]`)
    for (const protocol of ['tcp', 'tcp6', 'udp'] as const) {
      const sockets = inside.sockets.filter((socket) => socket.protocol === protocol)
      file(`${at}/net/${protocol}`, socketTable(sockets, protocol))
    }
    for (const table of ['udp6', 'raw', 'raw6']) file(`${at}/net/${table}`, SOCKETS_HEAD)
    file(`${at}/net/packet`, 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n')
    file(`${at}/net/unix`, 'Num       RefCount Protocol Flags    Type St Inode Path\n')
    for (const { fd, target } of process.openFiles ?? []) link(`${at}/fd/${fd}`, target)
    const taken = new Set((process.openFiles ?? []).map(({ fd }) => fd))
    let fd = 3
    for (const socket of inside.sockets.filter(({ pid }) => pid === process.pid)) {
      while (taken.has(fd)) fd += 1
      link(`${at}/fd/${fd}`, `socket:[${socket.inode}]`)
      fd += 1
    }
  }
  return tree
}

const ENVIRON = ['PATH=/usr/local/bin:/usr/bin:/bin', 'SHOP_REGION=eu-1']

/** Inodes of the namespaces that the containers of a pod have or share. */
const NAMESPACES = {
  cgroup: 4_026_533_811,
  ipc: 4_026_533_702,
  mnt: 4_026_533_809,
  net: 4_026_533_704,
  pid: 4_026_533_810,
  user: 4_026_531_837,
  uts: 4_026_533_701,
} as const

function maps({ exe, executableMemory }: ContainerProcess): string {
  return [
    `00400000-00409000 r-xp 00000000 00:3b 71${' '.repeat(34)}${exe}\n`,
    ...(executableMemory === true ? ['7f11a0000000-7f11a0021000 rwxp 00000000 00:00 0 \n'] : []),
    `7ffd1c000000-7ffd1c021000 rw-p 00000000 00:00 0${' '.repeat(26)}[stack]\n`,
  ].join('')
}

function stat(process: ContainerProcess): string {
  const before = `${process.pid} (${process.comm}) S ${process.ppid} ${process.pid} ${process.pid} 0 -1 4194560`
  const counters = '1204 0 12 0 318 97 0 0 20 0 4 0'
  return `${before} ${counters} ${process.starttime} 13467648 2148 18446744073709551615\n`
}

function status(process: ContainerProcess): string {
  const ids = Array.from({ length: 4 }, () => process.uid).join('\t')
  const capabilities = process.uid === 0 ? '00000000a80425fb' : '0000000000000000'
  return [
    `Name:\t${process.comm}`,
    'State:\tS (sleeping)',
    `Tgid:\t${process.pid}`,
    `Pid:\t${process.pid}`,
    `PPid:\t${process.ppid}`,
    'TracerPid:\t0',
    `Uid:\t${ids}`,
    `Gid:\t${ids}`,
    `NSpid:\t${process.pid}`,
    'CapInh:\t0000000000000000',
    `CapPrm:\t${capabilities}`,
    `CapEff:\t${capabilities}`,
    'CapBnd:\t00000000a80425fb',
    'CapAmb:\t0000000000000000',
    'NoNewPrivs:\t0',
    'Seccomp:\t2',
    '',
  ].join('\n')
}

function mountinfo(mounts: readonly Mount[]): string {
  const lines = mounts.map((mount, index) => {
    const point = escapeMountPath(`/${mount.path}`)
    return `${2101 + index} 2100 0:${60 + index} ${mount.from} ${point} ${mount.options} - ${mount.filesystem} ${source(mount)} rw`
  })
  return [
    '2100 1987 0:59 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/41/fs,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/77/fs,workdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/77/work',
    ...lines,
    '',
  ].join('\n')
}

function mountsTable(mounts: readonly Mount[]): string {
  const lines = mounts.map(
    (mount) =>
      `${source(mount)} ${escapeMountPath(`/${mount.path}`)} ${mount.filesystem} ${mount.options} 0 0`,
  )
  return ['overlay / overlay rw,relatime 0 0', ...lines, ''].join('\n')
}

function source(mount: Mount): string {
  return mount.filesystem === 'ext4' ? '/dev/nvme0n1p1' : mount.filesystem
}

/** Space, tab, newline and backslash as the kernel writes them here: three octal digits. */
export function escapeMountPath(path: string): string {
  return path.replaceAll(
    /[ \t\n\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

const STATE = { established: '01', listen: '0A', close: '07' } as const

const SOCKETS_HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'

/** A table of net/, with its head. */
export function socketTable(
  sockets: readonly ContainerSocket[],
  protocol: ContainerSocket['protocol'],
): string {
  const wide = protocol === 'tcp6'
  const lines = sockets.map((socket, index) => {
    const ends = `${hexEndpoint(socket.local, wide)} ${hexEndpoint(socket.remote, wide)}`
    const queues = '00000000:00000000 00:00000000 00000000'
    const uid = String(socket.uid).padStart(5)
    return `${String(index).padStart(4)}: ${ends} ${STATE[socket.state]} ${queues} ${uid}        0 ${socket.inode} 1 0000000000000000 20 4 30 10 -1\n`
  })
  return [SOCKETS_HEAD, ...lines].join('')
}

/** The address as the kernel prints it on a little-endian machine: 127.0.0.1:4444 is 0100007F:115C. */
function hexEndpoint({ address, port }: Endpoint, wide: boolean): string {
  const bytes = address.split('.').map(Number).reverse()
  const v4 = Buffer.from(bytes).toString('hex').toUpperCase()
  const mapped = address === '0.0.0.0' ? '0'.repeat(32) : `0000000000000000FFFF0000${v4}`
  return `${wide ? mapped : v4}:${port.toString(16).toUpperCase().padStart(4, '0')}`
}
