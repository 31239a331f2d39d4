import { compromise, inSharedMemory, INTRUDER_SOCKETS, intruderProcesses } from './compromise.js'
import { dbLayers } from '../images/db.js'
import { logShipperLayers } from '../images/log-shipper.js'
import { webLayers } from '../images/web.js'
import type { ContainerProcess, ContainerSocket, Inside, Mount } from './inside.js'
import { crashedLog, healthyLog, shortLog, suspectLog } from './logs.js'
import type { Moments } from '../moments.js'
import { later } from '../moments.js'
import type { MountedPod } from './mounts.js'
import { cacheVolume, emptyDirMount, mountStubs, standardMounts } from './mounts.js'
import { Overlay } from '../files/overlay.js'
import type { Layer } from '../files/tree.js'
import { applyLayers } from '../files/tree.js'

const ANY = { address: '0.0.0.0', port: 0 } as const
/** How long the node was up when the container's first process started, in seconds. */
const UPTIME_AT_START = 3_006_000

/** The app container of a web pod that nobody touched. */
export function healthyApp(pod: MountedPod, moments: Moments): Inside {
  const { inside } = startedApp(pod, pod.startedAt)
  return { ...inside, log: healthyLog(pod.startedAt, moments.now) }
}

/** The suspect's: the same, restarted an hour ago, and then somebody came in. */
export function suspectApp(pod: MountedPod, moments: Moments): Inside {
  const { inside, root } = startedApp(pod, moments.appRestarted)
  compromise(root, moments)
  const startedTicks = ticks(inside, moments.intrusion)
  return {
    ...inside,
    root: root.tree,
    mounts: inside.mounts.map((mount) =>
      mount.path === 'dev/shm' ? { ...mount, tree: inSharedMemory(mount.tree, moments) } : mount,
    ),
    processes: [...inside.processes, ...intruderProcesses(startedTicks)],
    sockets: [...inside.sockets, ...INTRUDER_SOCKETS],
    log: suspectLog(moments),
    previousLog: crashedLog(moments),
  }
}

export function database(pod: MountedPod): Inside {
  const mounts = [...standardMounts(pod), emptyDirMount('var/lib/postgresql/data', pod)]
  const root = writtenRoot(dbLayers(), mounts, pod.startedAt)
  return {
    ...common(pod, pod.startedAt, mounts, root),
    uid: 70,
    gid: 70,
    processes: [serverProcess('postgres', ['/usr/local/bin/postgres'], 70)],
    sockets: [listening(5432, 70, 501_882)],
    log: shortLog(pod.startedAt, [
      'starting PostgreSQL 15.8',
      'database system is ready to accept connections',
    ]),
  }
}

/** No shell, no tar, nothing but its one program. */
export function logShipper(pod: MountedPod): Inside {
  const mounts = [...standardMounts(pod), emptyDirMount('cache', pod)]
  const root = writtenRoot(logShipperLayers(), mounts, pod.startedAt)
  return {
    ...common(pod, pod.startedAt, mounts, root),
    uid: 65532,
    gid: 65532,
    processes: [serverProcess('log-shipper', ['/usr/bin/log-shipper', '--from', '/cache/log'], 65532)],
    sockets: [],
    rotatedLogs: [
      {
        at: later(pod.startedAt, 86_400),
        lines: shortLog(pod.startedAt, ['shipping /cache/log to logs.shop.svc:514', 'connected']),
      },
    ],
    log: shortLog(later(pod.startedAt, 86_401), ['connection to logs.shop.svc:514 lost', 'connected']),
  }
}

function startedApp(pod: MountedPod, startedAt: Date): { readonly inside: Inside; readonly root: Overlay } {
  const mounts = [...standardMounts(pod), emptyDirMount('cache', pod, cacheVolume(startedAt))]
  const root = writtenRoot(webLayers('amd64'), mounts, startedAt)
  appWrites(root, startedAt)
  const command = ['/app/server', '--config', '/app/config.yaml']
  const inside = {
    ...common(pod, startedAt, mounts, root),
    uid: 0,
    gid: 0,
    processes: [
      serverProcess('server', command, 0),
      { ...serverProcess('server', command, 0), pid: 9, ppid: 1 },
    ],
    sockets: [listening(8080, 0, 883_907)],
    log: [],
  }
  return { inside, root }
}

/** What every run of the app leaves in its writable layer, intruder or not. */
function appWrites(root: Overlay, startedAt: Date): void {
  root
    .file('run/app.pid', '1\n', later(startedAt, 1))
    .file('var/log/app/access.log', 'rotated to stdout\n', later(startedAt, 2), { mode: 0o640 })
}

function common(
  pod: MountedPod,
  startedAt: Date,
  mounts: readonly Mount[],
  root: Overlay,
): Pick<Inside, 'hostname' | 'root' | 'written' | 'mounts' | 'bootedAt'> {
  return {
    hostname: pod.name,
    root: root.tree,
    written: root.written,
    mounts,
    bootedAt: later(startedAt, -UPTIME_AT_START),
  }
}

function writtenRoot(layers: readonly Layer[], mounts: readonly Mount[], startedAt: Date): Overlay {
  const root = new Overlay(applyLayers(layers))
  mountStubs(root, mounts, startedAt)
  return root
}

function serverProcess(comm: string, cmdline: readonly string[], uid: number): ContainerProcess {
  const starttime = UPTIME_AT_START * 100
  return { pid: 1, ppid: 0, comm, cmdline, exe: cmdline[0] ?? '', uid, starttime }
}

function listening(port: number, uid: number, inode: number): ContainerSocket {
  return { protocol: 'tcp', local: { ...ANY, port }, remote: ANY, state: 'listen', uid, inode, pid: 1 }
}

function ticks({ bootedAt }: Inside, at: Date): number {
  return (at.getTime() - bootedAt.getTime()) / 10
}
