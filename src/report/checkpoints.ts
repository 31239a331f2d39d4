import type { CheckpointDocument, CheckpointSocket } from '../model/checkpoint-document.js'
import { counted } from '../text/count.js'
import { bounded, byText } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { CheckpointReport } from './model-live.js'

const MOST_ROWS = 60
const MOST_DELETED = 20
const MOST_HOLDERS = 5

/** What was read of each checkpoint, by container. */
export function checkpointsOf({
  checkpoints = [],
  directory,
}: Pick<ReportTargetInput, 'checkpoints' | 'directory'>): readonly CheckpointReport[] {
  return checkpoints
    .toSorted((a, b) => byText(a.container, b.container))
    .map((checkpoint) => reportOf(checkpoint, `data/targets/${directory}/`))
}

function reportOf(checkpoint: CheckpointDocument, root: string): CheckpointReport {
  const { container, made, frozenUs, rootfs, deletedFiles = [], deletedFilesMore = 0 } = checkpoint
  const { processes, processesMore, sockets, socketsMore, notRead } = checkpoint
  const [tar = ''] = checkpoint.derivedFrom
  const where = `${root}checkpoint/`
  return {
    container,
    where: tar,
    by: made.runtime ?? null,
    stood: frozenUs === undefined ? null : `${(frozenUs / 1000).toFixed(0)} ms`,
    rootfs:
      rootfs === undefined
        ? null
        : `${counted(rootfs.entries, 'entry', 'entries')}${rootfs.whole ? '' : ', and then it could not be read'}`,
    deleted: bounded(deletedFiles, MOST_DELETED, where, deletedFiles.length + deletedFilesMore),
    processes: bounded(
      processes.map(({ pid, ppid, comm, exe, uid, state }) => ({
        pid,
        ppid,
        comm: comm ?? null,
        exe: exe ?? null,
        uid: uid === undefined ? null : String(uid),
        state: state ?? null,
      })),
      MOST_ROWS,
      where,
      processes.length + processesMore,
    ),
    sockets: bounded(sockets.map(socketRow), MOST_ROWS, where, sockets.length + socketsMore),
    notRead: bounded(
      notRead.map(({ part, why }) => ({ part, why })),
      MOST_ROWS,
      where,
    ),
  }
}

function socketRow(socket: CheckpointSocket): CheckpointReport['sockets']['items'][number] {
  const { protocol, local, remote, state, holders } = socket
  const shown = holders.slice(0, MOST_HOLDERS).map(({ pid, fd }) => `PID ${pid} fd ${fd}`)
  return {
    protocol,
    local: endOf(local),
    remote: endOf(remote),
    state: state ?? null,
    holders: `${shown.join(', ')}${holders.length > shown.length ? ', …' : ''}`,
  }
}

function endOf({ address, port }: CheckpointSocket['local']): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}
