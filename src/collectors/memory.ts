import { readCapture } from '../formats/proc/capture.js'
import type { MappedArea } from '../formats/proc/maps.js'
import { memoryAreas } from '../formats/proc/memory-areas.js'
import { parseStat } from '../formats/proc/stat.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { ImpoundError } from '../model/errors.js'
import type { MemoryDocument } from '../model/process-documents.js'
import type { ArtefactWriter, Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { type Captured, documentSource } from './proc/captures.js'
import { keptText } from './proc/retention.js'
import { runScript } from './proc/script-run.js'
import type { VolatileCaptures } from './proc/volatile-captures.js'

/** Of one process, and how many areas: their addresses are arguments of the script. */
const MOST_BYTES = 128 << 20
const MOST_AREAS = 400
const MOST_MAPS = 4 << 20

type ProcessMemory = MemoryDocument['processes'][number]

/** Memory of processes that the responder named (--memory), read from the node while they go on running. */
export function createMemoryCollector(captures: VolatileCaptures): Collector {
  return {
    name: 'memory',
    summary: 'memory of the processes that --memory names, executable memory that is no file first',
    phases: ['volatile'],
    requirements: () => ({ access: [], impact: 'node', ways: ['node'] }),
    async collect(context, target, sink) {
      const wanted = context.options.memory ?? []
      if (wanted.length === 0) return
      if (!context.options.allow.has('node')) {
        await sink.skip('memory', 'not-allowed', 'memory is read by a pod on the node: --allow node')
        return
      }
      const captured = await captures.of(context, target, sink)
      const taken: { readonly memory: ProcessMemory; readonly from: Captured }[] = []
      for (const name of wanted) {
        const found = captured.flatMap((one) => named(one, name))
        if (found.length === 0) {
          await sink.failed(`memory ${name}`, new ImpoundError('not-found', 'no such process was seen'))
        }
        for (const { pid, captured: from } of found) {
          const memory = await take(context, from, pid, sink)
          if (memory !== undefined) taken.push({ memory, from })
        }
      }
      if (taken.length === 0) return
      const document: MemoryDocument = {
        schema: 'impound/memory/v1',
        derivedFrom: taken.flatMap(({ memory }) => memory.path ?? []),
        processes: taken.map(({ memory }) => memory),
      }
      const source = documentSource(taken.map(({ from }) => from))
      await sink.document('memory.json', document, { ...source, derivedFrom: document.derivedFrom }, '')
    },
  }
}

/** 'PID' or 'CONTAINER/PID', by the PID inside of the container, as processes.jsonl and the report have it. */
function named(captured: Captured, name: string): readonly { pid: number; captured: Captured }[] {
  if (captured.reading.place.method !== 'node') return []
  const slash = name.lastIndexOf('/')
  const container = slash === -1 ? undefined : name.slice(0, slash)
  const inside = Number(name.slice(slash + 1))
  return [...captured.table.processes.values()]
    .filter(({ pid, nsPids }) => {
      const own = captured.naming.container(pid)
      return own !== undefined && (container ?? own) === own && (nsPids[1] ?? nsPids[0]) === inside
    })
    .map(({ pid }) => ({ pid, captured }))
}

async function take(
  context: CollectContext,
  captured: Captured,
  pid: number,
  sink: Sink,
): Promise<ProcessMemory | undefined> {
  const record = captured.table.processes.get(pid)
  const container = captured.naming.container(pid) ?? ''
  const inside = record?.nsPids[1] ?? pid
  const subject = `memory ${container} ${inside}`
  const maps = await readMaps(context, captured, pid)
  if (maps === undefined || record?.first === undefined) {
    await sink.failed(subject, new ImpoundError('not-found', 'it ended before its memory could be read'))
    return undefined
  }
  const choice = memoryAreas(maps, MOST_BYTES, MOST_AREAS)
  const { starttime } = record.first
  const copy = await copyAreas(
    context,
    captured,
    { pid, container, inside, starttime, subject },
    choice.areas,
    sink,
  )
  if (copy === undefined) return undefined
  const reason = copy.failure ?? (choice.left > 0 ? tooBig(choice.left) : undefined)
  const kept = reason === undefined ? await copy.writer.end() : await copy.writer.partial(...reason)
  return {
    container,
    pid,
    containerPid: inside,
    comm: keptText(record.first.comm).text,
    starttime,
    path: kept.path,
    sha256: kept.sha256,
    areas: copy.areas,
    areasLeft: choice.left,
    stopped: false,
  }
}

function tooBig(left: number): ['too-big', string] {
  return ['too-big', `${left} areas did not fit into ${MOST_BYTES} bytes or ${MOST_AREAS} areas`]
}

async function readMaps(
  context: CollectContext,
  captured: Captured,
  pid: number,
): Promise<Buffer | undefined> {
  const { signal } = context.run
  const run = runScript(
    captured.reading.place,
    ['copy', String(MOST_MAPS), `${pid}/maps`],
    { signal, stallTimeoutMs: context.options.stallTimeoutMs, maxBytes: 2 * MOST_MAPS },
    () => undefined,
  )
  let maps: Buffer | undefined
  for await (const item of readCapture(run.stdout)) {
    if (item.kind === 'file' && item.name === 'maps' && item.content.length > 0)
      maps = Buffer.from(item.content)
  }
  const end = await run.end
  if (end.failure !== undefined) throw end.failure
  return maps
}

interface Whose {
  readonly pid: number
  readonly container: string
  readonly inside: number
  readonly starttime: number
  readonly subject: string
}

interface Copied {
  readonly writer: ArtefactWriter
  readonly areas: ProcessMemory['areas']
  readonly failure: Parameters<ArtefactWriter['partial']> | undefined
}

async function copyAreas(
  context: CollectContext,
  captured: Captured,
  whose: Whose,
  wanted: readonly MappedArea[],
  sink: Sink,
): Promise<Copied | undefined> {
  const { pid, container, inside, subject } = whose
  const { signal } = context.run
  const { place } = captured.reading
  const run = runScript(
    place,
    ['memory', String(pid), ...wanted.map(({ start, end }) => `${start.toString(16)}-${end.toString(16)}`)],
    { signal, stallTimeoutMs: context.options.stallTimeoutMs, maxBytes: 2 * MOST_BYTES },
    (bytes) => context.progress(subject, bytes),
  )
  let writer: ArtefactWriter | undefined
  const areas: ProcessMemory['areas'][number][] = []
  let offset = 0
  let isSame = true
  const divert = (_of: string, name: string): ((bytes: Buffer) => Promise<void>) | undefined =>
    name === 'mem'
      ? async (bytes) => {
          writer ??= await sink.open(
            `memory/${safeSegment(container)}/${inside}.mem`,
            {
              kind: 'stream',
              mediaType: 'application/octet-stream',
              trust: captured.capture.trust,
              request: `${place.request} memory ${pid}`,
            },
            subject,
          )
          await writer.write(bytes)
        }
      : undefined
  for await (const item of readCapture(run.stdout, { divert })) {
    if (item.kind !== 'file') continue
    if (item.name === 'stat') isSame &&= parseStat(item.content)?.starttime === whose.starttime
    const area = wanted[areas.length]
    if (item.name !== 'mem' || area === undefined) continue
    const now = writer?.bytesWritten ?? 0
    areas.push({
      start: area.start.toString(16),
      end: area.end.toString(16),
      permissions: area.permissions,
      kind: area.kind,
      mapped: keptText(area.path).text,
      offset,
      bytes: now - offset,
    })
    offset = now
  }
  const { failure } = await run.end
  if (writer === undefined) {
    await sink.failed(subject, failure ?? new ImpoundError('target-refused', 'no page of it could be read'))
    return undefined
  }
  const torn = areas.length < wanted.length
  return {
    writer,
    areas,
    failure:
      failure !== undefined || torn
        ? ['cut', failure?.message ?? 'reading it ended early']
        : isSame
          ? undefined
          : ['target-gone', 'it ended or was replaced while it was read'],
  }
}
