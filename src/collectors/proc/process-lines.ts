import { isUtf8 } from 'node:buffer'

import type { OpenedFile, ProcessLine } from '../../model/process-documents.js'
import { factsOf } from './facts.js'
import { openedFile } from './opened-file.js'
import type { ProcessRecord } from './process-record.js'
import type { ProcessTable } from './process-table.js'
import { keptText } from './retention.js'

/** Clock ticks in a second as every kernel shows them to programs, whatever it counts in: USER_HZ. */
const TICKS = 100
const SECCOMP = ['none', 'strict', 'filter'] as const

/** Who is who in a capture. */
export interface Naming {
  /** Of a process, by its PID; undefined where it belongs to none of the pod's containers. */
  container(pid: number): string | undefined
  readonly ownPidNamespace: boolean
}

/** A line for each process of the table, by container and PID, and the facts about it. */
export function* processLines(
  table: ProcessTable,
  naming: Naming,
): Generator<{ readonly record: ProcessRecord; readonly line: ProcessLine }, void, undefined> {
  const members = membersOf(table, naming)
  const ours = descendants(table)
  const raw = rawSocketHolders(table)
  const order = [...members].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [container, pids] of order) {
    for (const pid of [...pids].sort((a, b) => a - b)) {
      const record = table.processes.get(pid)
      const stat = record?.first ?? record?.second
      if (record === undefined || stat === undefined) continue
      const mounted = table.devices.get(record.namespaces.get('mnt') ?? 0)
      const opened = (name: string): OpenedFile | undefined => {
        const link = record.links.get(name)
        return link === undefined ? undefined : openedFile(link, mounted)
      }
      const exe = opened('exe')
      const [cwd, root] = [opened('cwd'), opened('root')]
      const args = (record.args?.words ?? []).map((word) => word.toString('utf8'))
      const facts = factsOf(record, exe, args, {
        container: pids,
        mounted,
        ours,
        moved: table.moved,
        ownPidNamespace: naming.ownPidNamespace,
        sawSecondPass: table.sawSecondPass,
        hasRawSocket: raw.has(pid),
      })
      const line: ProcessLine = {
        container,
        pid,
        ...containerPid(record),
        ppid: stat.ppid,
        starttime: stat.starttime,
        ...startedAt(table.bootTime, stat.starttime),
        state: stat.state.slice(0, 1),
        threads: stat.threads,
        ...nameOf(stat.comm),
        args,
        argsTotal: record.args?.count ?? 0,
        ...argsBytes(record),
        ...(exe === undefined ? {} : { exe }),
        ...(cwd === undefined ? {} : { cwd }),
        ...(root === undefined ? {} : { root }),
        ...credentials(record),
        namespaces: [...record.namespaces]
          .map(([kind, inode]) => ({ kind, inode }))
          .sort((a, b) => (a.kind < b.kind ? -1 : 1)),
        descriptors: {
          total: record.descriptors,
          cut: record.descriptorsCut,
          sockets: record.sockets,
          files: [...record.files]
            .sort(([a], [b]) => a - b)
            .map(([fd, link]) => ({ fd, ...openedFile(link, mounted) })),
          filesMore: record.filesMore,
        },
        maps: {
          areas: record.maps?.areas ?? 0,
          executable: record.maps?.executable ?? [],
          executableMore: record.maps?.more ?? 0,
        },
        environment: {
          names: record.environment?.names ?? [],
          total: record.environment?.count ?? 0,
          loader: record.environment?.loader ?? [],
        },
        missing: [...record.missing].sort().slice(0, 32),
        facts,
      }
      yield { record, line }
    }
  }
}

function membersOf(table: ProcessTable, naming: Naming): Map<string, Set<number>> {
  const members = new Map<string, Set<number>>()
  for (const pid of table.processes.keys()) {
    const container = naming.container(pid)
    if (container === undefined) continue
    const pids = members.get(container) ?? new Set<number>()
    members.set(container, pids.add(pid))
  }
  return members
}

/** The script's own process and what it started. */
function descendants(table: ProcessTable): ReadonlySet<number> {
  const ours = new Set<number>(table.self === undefined ? [] : [table.self])
  for (let before = -1; before !== ours.size;) {
    before = ours.size
    for (const [pid, { first }] of table.processes) {
      if (first !== undefined && ours.has(first.ppid)) ours.add(pid)
    }
    if (before === 0) break
  }
  return ours
}

function rawSocketHolders(table: ProcessTable): ReadonlySet<number> {
  const pids = new Set<number>()
  for (const tables of table.sockets.values()) {
    for (const protocol of ['raw', 'raw6', 'packet'] as const) {
      for (const { inode } of tables.get(protocol) ?? []) {
        for (const { pid } of table.holders.get(inode)?.holders ?? []) pids.add(pid)
      }
    }
  }
  return pids
}

function containerPid({ status }: ProcessRecord): Pick<ProcessLine, 'containerPid'> {
  const inner = status?.nsPids[1] ?? status?.nsPids[0]
  return inner === undefined ? {} : { containerPid: inner }
}

function startedAt(bootTime: number | undefined, starttime: number): Pick<ProcessLine, 'startedAt'> {
  if (bootTime === undefined) return {}
  const time = new Date((bootTime + Math.floor(starttime / TICKS)) * 1000)
  return Number.isNaN(time.getTime()) ? {} : { startedAt: time.toISOString().replace('.000Z', 'Z') }
}

function nameOf(latin1: string): Pick<ProcessLine, 'comm' | 'commB64'> {
  const { text, b64 } = keptText(latin1)
  return { comm: text, ...(b64 === undefined ? {} : { commB64: b64 }) }
}

function argsBytes({ args }: ProcessRecord): Pick<ProcessLine, 'argsB64'> {
  const words = args?.words ?? []
  if (words.every((word) => isUtf8(word))) return {}
  const zero = Buffer.of(0)
  return { argsB64: Buffer.concat(words.flatMap((word) => [word, zero])).toString('base64') }
}

function credentials({
  status,
}: ProcessRecord): Pick<
  ProcessLine,
  'uids' | 'gids' | 'groups' | 'capabilities' | 'seccomp' | 'noNewPrivs' | 'tracer'
> {
  const seccomp = SECCOMP[status?.seccomp ?? -1]
  return {
    uids: status?.uids ?? [],
    gids: status?.gids ?? [],
    groups: status?.groups ?? [],
    ...(status?.capabilities === undefined ? {} : { capabilities: status.capabilities }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(status?.noNewPrivs === undefined ? {} : { noNewPrivs: status.noNewPrivs }),
    ...(status?.tracer === undefined || status.tracer === 0 ? {} : { tracer: status.tracer }),
  }
}
