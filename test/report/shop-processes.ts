import type {
  ProcessCapture,
  ProcessesDocument,
  ProcessLine,
  SocketRow,
  SocketsDocument,
} from '../../src/model/process-documents.js'

const CAPTURE: ProcessCapture = {
  containers: ['app'],
  method: 'exec',
  trust: 'target-controlled',
  path: 'data/targets/t/processes/app/capture-volatile.bin',
  bytes: 41_000,
  complete: true,
  disturbance: ['started sh of the container'],
  degraded: ["seen by the container's own programs"],
}

const SERVER: ProcessLine = {
  container: 'app',
  pid: 1,
  containerPid: 1,
  ppid: 0,
  starttime: 300_600_000,
  startedAt: '2026-11-22T02:07:51Z',
  state: 'S',
  threads: 4,
  comm: 'server',
  args: ['/app/server', '--config', '/app/config.yaml'],
  argsTotal: 3,
  exe: { path: '/app/server', kind: 'file', deleted: false, device: '0:59', inode: 7, links: 1, size: 9 },
  uids: [1000, 1000, 1000, 1000],
  gids: [1000, 1000, 1000, 1000],
  groups: [],
  seccomp: 'filter',
  noNewPrivs: false,
  namespaces: [{ kind: 'net', inode: 4_026_533_704 }],
  descriptors: { total: 5, cut: false, sockets: 1, files: [], filesMore: 0 },
  maps: { areas: 20, executable: [], executableMore: 0 },
  environment: { names: ['PATH'], total: 1, loader: [{ name: 'PATH', value: '/bin' }] },
  missing: [],
  facts: [],
}

const IMPLANT: ProcessLine = {
  ...SERVER,
  pid: 47,
  containerPid: 47,
  ppid: 1,
  comm: 'kworker/u8:2',
  args: ['[kworker/u8:2]'],
  argsTotal: 1,
  exe: { path: 'memfd:x', kind: 'memfd', deleted: true, device: '0:1', inode: 4, links: 0, size: 36_000 },
  uids: [0, 0, 0, 0],
  facts: ['exe-memfd', 'fake-kernel-thread'],
}

const C2: SocketRow = {
  namespace: 4_026_533_704,
  protocol: 'tcp',
  inode: 884_213,
  state: 'established',
  local: { address: '10.0.3.9', port: 51_544 },
  remote: { address: '203.0.113.7', port: 443 },
  uid: 0,
  holders: [{ container: 'app', pid: 47, comm: 'kworker/u8:2', fd: 3 }],
  holdersMore: 0,
}

export const PROCESSES: {
  readonly document: ProcessesDocument
  readonly shown: readonly ProcessLine[]
  readonly total: number
} = {
  document: {
    schema: 'impound/processes/v1',
    derivedFrom: [CAPTURE.path],
    captures: [CAPTURE],
    startedPrecision: 1,
    containers: [{ container: 'app', processes: 2, appeared: 0, gone: 0, changed: 0 }],
    executables: [
      {
        container: 'app',
        ...IMPLANT.exe!,
        pids: [47],
        pidsTotal: 1,
        kept: {
          path: 'data/targets/t/processes/app/executables/47.bin',
          sha256: 'ab'.repeat(32),
          bytes: 36_000,
          whole: true,
        },
      },
    ],
    executablesMore: 0,
    deletedFiles: [],
    deletedFilesMore: 0,
  },
  shown: [SERVER, IMPLANT],
  total: 2,
}

function reading(phase: SocketsDocument['phase'], sockets: readonly SocketRow[]): SocketsDocument {
  return {
    schema: 'impound/sockets/v1',
    derivedFrom: [CAPTURE.path],
    phase,
    startedAt: '2026-11-22T03:00:40.000Z',
    endedAt: '2026-11-22T03:00:41.000Z',
    captures: [CAPTURE],
    namespaces: [
      { inode: 4_026_533_704, containers: ['app'], tables: [{ protocol: 'tcp', sockets: sockets.length }] },
    ],
    sockets,
    socketsMore: 0,
  }
}

const LISTENING: SocketRow = {
  ...C2,
  inode: 883_907,
  state: 'listen',
  local: { address: '0.0.0.0', port: 8080 },
  remote: { address: '0.0.0.0', port: 0 },
  holders: [{ container: 'app', pid: 1, comm: 'server', fd: 4 }],
}

export const SOCKETS = reading('volatile', [
  C2,
  { ...C2, inode: 5, remote: { address: '10.0.9.9', port: 5432 } },
  LISTENING,
])
export const SOCKETS_AFTER = reading('contained', [C2, LISTENING])
