import { isUtf8 } from 'node:buffer'

import type { CheckpointProcess, CheckpointSocket } from '../../model/checkpoint-document.js'
import type { CriuParts } from './criu-parts.js'

const LONGEST_COMM = 64
const LONGEST_PATH = 4_096

/** The processes of a checkpoint, by PID, with what each of their images says. */
export function processesOf(parts: CriuParts): readonly CheckpointProcess[] {
  const files = new Map(parts.files.regular.map(({ id, path }) => [id, path]))
  return parts.tasks
    .map(({ pid, ppid, pgid, sid, threads }): CheckpointProcess => {
      const core = parts.cores.get(pid)
      const exe = files.get(parts.exeFiles.get(pid) ?? -1)
      const open = parts.descriptors.get(parts.filesIds.get(pid) ?? -1)
      return {
        pid,
        ppid,
        ...(pgid === undefined ? {} : { pgid }),
        ...(sid === undefined ? {} : { sid }),
        threads,
        ...(core?.state === undefined ? {} : { state: core.state }),
        ...(core?.comm === undefined ? {} : commOf(core.comm)),
        ...(core?.uid === undefined ? {} : { uid: core.uid }),
        ...(core?.gid === undefined ? {} : { gid: core.gid }),
        ...(exe === undefined ? {} : { exe: exe.toString('utf8', 0, LONGEST_PATH) }),
        ...(open === undefined ? {} : { openFiles: open.length }),
      }
    })
    .sort((a, b) => a.pid - b.pid)
}

function commOf(bytes: Buffer): Pick<CheckpointProcess, 'comm' | 'commB64'> {
  const kept = bytes.subarray(0, LONGEST_COMM)
  return { comm: kept.toString('utf8'), ...(isUtf8(kept) ? {} : { commB64: kept.toString('base64') }) }
}

/** Its internet sockets, by protocol and local port, each with who holds it. */
export function socketsOf(parts: CriuParts): readonly CheckpointSocket[] {
  const holders = new Map<number, { pid: number; fd: number }[]>()
  for (const [pid, filesId] of parts.filesIds) {
    for (const { fd, file } of parts.descriptors.get(filesId) ?? []) {
      const known = holders.get(file) ?? []
      known.push({ pid, fd })
      holders.set(file, known)
    }
  }
  return parts.files.sockets
    .map(({ id, inode, protocol, state, local, remote }): CheckpointSocket => ({
      protocol,
      ...(state === undefined ? {} : { state }),
      local,
      remote,
      ...(inode === undefined ? {} : { inode }),
      holders: (holders.get(id) ?? []).sort((a, b) => a.pid - b.pid || a.fd - b.fd),
    }))
    .sort(
      (a, b) =>
        (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0) ||
        a.local.port - b.local.port ||
        (a.inode ?? 0) - (b.inode ?? 0),
    )
}
