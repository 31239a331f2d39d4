import { connectionsOf } from '../model/connections.js'
import type { LedgerRow } from '../model/evidence.js'
import type {
  ProcessCapture,
  ProcessFact,
  ProcessLine,
  SocketRow,
  SocketsDocument,
} from '../model/process-documents.js'
import { formatBytes } from '../text/bytes.js'
import { absence } from './absence.js'
import { bounded } from './bounded.js'
import type { ReportTargetInput } from './input.js'
import type { ProcessesReport, SocketsReport } from './model.js'
import { plain, sentence } from './sentence.js'
import { FACT_WORDS, METHOD_WORDS, TRUST_WORDS } from './words.js'

const MOST_PROCESSES = 150
const MOST_FILES = 50
const MOST_SOCKETS = 100
/** Of a quoted value: the whole of it is in the archive. */
const MOST_CHARACTERS = 300

/**
 * The lines of processes.jsonl that a report shows: those with a fact first, then the rest, in their own order. `total` counts all.
 */
export async function topProcesses(
  lines: AsyncIterable<ProcessLine>,
  most = MOST_PROCESSES,
): Promise<{ readonly shown: readonly ProcessLine[]; readonly total: number }> {
  const notable: ProcessLine[] = []
  const plainOnes: ProcessLine[] = []
  let total = 0
  for await (const line of lines) {
    total += 1
    const list = line.facts.length > 0 ? notable : plainOnes
    if (list.length < most) list.push(line)
  }
  const chosen = new Set([...notable, ...plainOnes].slice(0, most))
  return { shown: [...chosen].sort(byContainerAndPid), total }
}

export function processesOf(input: ReportTargetInput, ledger: readonly LedgerRow[]): ProcessesReport {
  const { processes, directory } = input
  const where = `data/targets/${directory}/`
  const named = [...(processes?.document.executables ?? []), ...(processes?.document.deletedFiles ?? [])]
  const copies = named.flatMap(({ container, path, kept }) =>
    kept === undefined ? [] : [{ container, path, kept }],
  )
  const once = [...new Map(copies.map((copy) => [copy.kept.path, copy])).values()]
  return {
    absent: processes === undefined ? absence(ledger, directory, 'processes') : null,
    captures: (processes?.document.captures ?? []).map(captureRow),
    rows: bounded(
      inTree(processes?.shown ?? []),
      MOST_PROCESSES,
      `${where}processes.jsonl`,
      processes?.total ?? 0,
    ),
    kept: bounded(
      once.map(({ container, path, kept: { path: at, sha256, bytes, whole } }) => ({
        container: cut(container),
        path: cut(path),
        at: cut(at),
        sha256: cut(sha256),
        size: `${formatBytes(bytes)}${whole ? '' : ', not whole'}`,
      })),
      MOST_FILES,
      `${where}processes.json`,
    ),
  }
}

export function socketsOf(input: ReportTargetInput, ledger: readonly LedgerRow[]): SocketsReport {
  const { sockets, socketsAfter, directory } = input
  const where = `data/targets/${directory}/`
  const known = sockets ?? socketsAfter
  return {
    absent: known === undefined ? absence(ledger, directory, 'sockets') : null,
    connections: bounded(
      connectionsOf(sockets, socketsAfter).map(({ holders, ...connection }) => ({
        ...connection,
        protocol: cut(connection.protocol),
        local: cut(connection.local),
        remote: cut(connection.remote),
        state: cut(connection.state),
        holders: cut(holders.slice(0, 4).join(', ')),
      })),
      MOST_SOCKETS,
      `${where}${socketsAfter === undefined ? 'sockets.json' : 'sockets-contained.json'}`,
    ),
    lookedAgain: socketsAfter !== undefined,
    others: bounded(otherSockets(known).map(socketRow), MOST_SOCKETS, `${where}sockets.json`),
  }
}

function captureRow(capture: ProcessCapture): ProcessesReport['captures'][number] {
  const containers = cut(capture.containers.join(', '))
  return {
    what: capture.complete
      ? sentence`Of ${containers}, ${plain(METHOD_WORDS[capture.method])}. It came whole.`
      : sentence`Of ${containers}, ${plain(METHOD_WORDS[capture.method])}. Not whole: ${plain(cut(capture.why ?? 'for a reason that was not recorded'))}. Processes may be missing from this list.`,
    trust: TRUST_WORDS[capture.trust],
    notes: [...capture.degraded, ...capture.disturbance].slice(0, 20).map(cut),
  }
}

/** Each process after its parent, its depth as points before it; a parent that is not among them leaves it at the edge. */
function inTree(lines: readonly ProcessLine[]): readonly ProcessesReport['rows']['items'][number][] {
  const key = (container: string, pid: number): string => `${pid} ${container}`
  const known = new Set(lines.map(({ container, pid }) => key(container, pid)))
  const children = new Map<string, ProcessLine[]>()
  const roots: ProcessLine[] = []
  for (const line of lines) {
    const parent = key(line.container, line.ppid)
    if (line.ppid === line.pid || !known.has(parent)) roots.push(line)
    else children.set(parent, [...(children.get(parent) ?? []), line])
  }
  const rows: ProcessesReport['rows']['items'][number][] = []
  const seen = new Set<ProcessLine>()
  const visit = (line: ProcessLine, depth: number): void => {
    if (seen.has(line)) return
    seen.add(line)
    rows.push(processRow(line, depth))
    for (const child of children.get(key(line.container, line.pid)) ?? [])
      visit(child, Math.min(depth + 1, 8))
  }
  for (const root of roots) visit(root, 0)
  // Parents in a circle: a capture that lies
  for (const line of lines) visit(line, 0)
  return rows
}

function processRow(line: ProcessLine, depth: number): ProcessesReport['rows']['items'][number] {
  const command = line.args.length === 0 ? `(${line.comm})` : line.args.join(' ')
  const inside =
    line.containerPid === undefined || line.containerPid === line.pid ? '' : `, ${line.containerPid} inside`
  return {
    container: cut(line.container),
    pid: `${'· '.repeat(depth)}${line.pid}${inside}`,
    name: cut(line.comm),
    command: cut(command),
    exe: line.exe === undefined ? null : cut(line.exe.path),
    user: line.uids[1] === undefined ? null : String(line.uids[1]),
    started: line.startedAt === undefined ? null : cut(line.startedAt),
    facts: line.facts.map((fact: ProcessFact) => FACT_WORDS[fact]).join('; ') || null,
  }
}

function otherSockets(document: SocketsDocument | undefined): readonly SocketRow[] {
  return (document?.sockets ?? []).filter(
    ({ protocol, state }) => state === 'listen' || protocol === 'packet' || protocol.startsWith('raw'),
  )
}

function socketRow({
  protocol,
  local,
  detail,
  state,
  holders,
}: SocketRow): SocketsReport['others']['items'][number] {
  const address = local === undefined ? '' : `${local.address} port ${local.port}`
  return {
    protocol: cut(protocol),
    local: cut(protocol === 'packet' ? (detail ?? '') : address),
    state: state === undefined ? null : cut(state),
    holders: cut(
      holders
        .slice(0, 4)
        .map(({ container, pid, comm }) => `${container} ${pid} ${comm}`)
        .join(', '),
    ),
  }
}

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS).toWellFormed()}…` : text
}

function byContainerAndPid(a: ProcessLine, b: ProcessLine): number {
  return a.container < b.container ? -1 : a.container > b.container ? 1 : a.pid - b.pid
}
