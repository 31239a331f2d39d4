import type { OpenedFile, ProcessLine } from '../../model/process-documents.js'
import { factsOf } from './facts.js'
import { openedFile } from './opened-file.js'
import { NAMESPACES, type ProcessRecord, type RecordedLink, wordsOf } from './process-record.js'
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
      const mounted = table.devices.get(record.namespaces.mnt ?? 0)
      const opened = (link: RecordedLink | undefined): OpenedFile | undefined =>
        link === undefined ? undefined : openedFile(link, mounted)
      const exe = opened(record.exe)
      const [cwd, root] = [opened(record.cwd), opened(record.root)]
      const words = record.args === undefined ? [] : wordsOf(record.args)
      const args = words.map((word) => keptText(word).text)
      const { environment } = record
      const loader = loaderOf(environment?.loader ?? '')
      const facts = factsOf(record, exe, args, {
        loader: loader.map(({ name }) => name),
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
        ...argsBytes(words),
        ...(exe === undefined ? {} : { exe }),
        ...(cwd === undefined ? {} : { cwd }),
        ...(root === undefined ? {} : { root }),
        ...credentials(record),
        namespaces: NAMESPACES.flatMap((kind) => {
          const inode = record.namespaces[kind]
          return inode === undefined ? [] : [{ kind, inode }]
        }),
        descriptors: {
          total: record.descriptors,
          cut: record.descriptorsCut,
          sockets: record.sockets,
          files: record.files
            .toSorted((a, b) => a.fd - b.fd)
            .map((file) => ({ fd: file.fd, ...openedFile(file, mounted) })),
          filesMore: record.filesMore,
        },
        maps: {
          areas: record.maps?.areas ?? 0,
          executable: record.maps?.executable ?? [],
          executableMore: record.maps?.more ?? 0,
        },
        environment: {
          names: environment === undefined ? [] : wordsOf(environment).map((name) => keptText(name).text),
          total: environment?.count ?? 0,
          loader,
        },
        missing: record.missing.toSorted(),
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
      for (const { inode } of tables.get(protocol)?.kept ?? []) {
        for (const { pid } of table.holders.of(inode).holders) pids.add(pid)
      }
    }
  }
  return pids
}

function containerPid({ nsPids }: ProcessRecord): Pick<ProcessLine, 'containerPid'> {
  const inner = nsPids[1] ?? nsPids[0]
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

function argsBytes(words: readonly string[]): Pick<ProcessLine, 'argsB64'> {
  if (words.every((word) => keptText(word).b64 === undefined)) return {}
  return { argsB64: Buffer.from(words.map((word) => `${word}\0`).join(''), 'latin1').toString('base64') }
}

/** Names and values in turns. */
function loaderOf(text: string): readonly { readonly name: string; readonly value: string }[] {
  const words = text === '' ? [] : text.split('\0')
  return words.flatMap((name, at) =>
    at % 2 === 0 ? [{ name, value: keptText(words[at + 1] ?? '').text }] : [],
  )
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
