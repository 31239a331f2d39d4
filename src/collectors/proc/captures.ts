import { readCapture } from '../../formats/proc/capture.js'
import type { ByteOrder } from '../../formats/proc/sockets.js'
import type { CollectContext } from '../../model/collector.js'
import { ImpoundError } from '../../model/errors.js'
import { REASON_OF, type Source } from '../../model/evidence.js'
import type { ProcessCapture } from '../../model/process-documents.js'
import type { ArtefactWriter, Sink } from '../../model/ports/sink.js'
import { safeSegment } from '../../model/safe-segment.js'
import type { Target, TargetContainer } from '../../model/target.js'
import { nodePlatform } from '../node-platform.js'
import { type ProcessScripts, type Reading, readingsOf, runtimeId } from './places.js'
import type { Naming } from './process-lines.js'
import { ProcessTable } from './process-table.js'
import { runScript, type ScriptEnd } from './script-run.js'

/** Of one run of the script. 20,000 processes with ordinary maps make some 200 MB. */
const MOST_BYTES = 1 << 30

/** One run of the script, read to its end, and what it says of itself. */
export interface Captured {
  readonly reading: Reading
  readonly table: ProcessTable
  readonly naming: Naming
  readonly capture: ProcessCapture
  /** RFC 3339, local clock. */
  readonly startedAt: string
  readonly endedAt: string
}

type Mode = 'all' | 'sockets'

/**
 * Runs the script wherever the pod's processes can be read, keeps each stream as it came, and joins what it says. What could not
 * be read has a row in the ledger; throws only when the run or the phase ended.
 */
export async function capturesOf(
  context: CollectContext,
  target: Target,
  scripts: ProcessScripts,
  how: { readonly mode: Mode; readonly subject: string },
  sink: Sink,
): Promise<readonly Captured[]> {
  const { subject, mode } = how
  const readings = await readingsOf(context, target, scripts, subject, sink)
  if (readings.length === 0) return []
  const { architecture } = await nodePlatform(context, target)
  const byteOrder = architecture === 's390x' ? 'big' : 'little'
  const captured = await Promise.all(
    readings.map((reading) => capture(context, target, reading, { mode, subject, byteOrder }, sink)),
  )
  return captured.filter((one) => one !== undefined)
}

async function capture(
  context: CollectContext,
  target: Target,
  reading: Reading,
  how: { readonly mode: Mode; readonly subject: string; readonly byteOrder: ByteOrder },
  sink: Sink,
): Promise<Captured | undefined> {
  const { place, containers } = reading
  const { clock, signal } = context.run
  const [only] = containers
  const isNode = place.method === 'node'
  const directory = isNode || only === undefined ? 'processes' : `processes/${safeSegment(only.name)}`
  const name = `${directory}/${how.mode === 'all' ? 'capture' : 'sockets-capture'}-${context.phase}.bin`
  const subject = `${how.subject} ${isNode || only === undefined ? 'by the node' : only.name}`
  const trust = isNode ? 'node-kernel' : 'target-controlled'
  const startedAt = clock.now().toISOString()
  const args = [how.mode, ...(isNode ? containers.map(runtimeId) : [])]
  const run = runScript(
    place,
    args,
    { signal, stallTimeoutMs: context.options.stallTimeoutMs, maxBytes: MOST_BYTES },
    (bytes) => context.progress(subject, bytes),
  )
  const table = new ProcessTable(how.byteOrder)
  const source: Source = {
    kind: 'stream',
    mediaType: 'application/x-impound-processes',
    trust,
    request: place.request,
  }
  let raw: ArtefactWriter | undefined
  const stream = tee(run.stdout, async (chunk) => {
    raw ??= await sink.open(name, source, subject)
    await raw.write(chunk)
  })
  let broken: ImpoundError | undefined
  try {
    const divert = (_of: string, name: string) => table.divert(name)
    for await (const item of readCapture(stream, { divert })) table.take(item)
  } catch (error) {
    if (!(error instanceof ImpoundError) || error.code === 'storage') throw error
    broken = error
  }
  const shortcoming = shortcomingOf(table, await run.end, broken, signal)
  if (raw === undefined) {
    await sink.failed(subject, shortcoming)
    return undefined
  }
  const record =
    shortcoming === undefined
      ? await raw.end()
      : await raw.partial(REASON_OF[shortcoming.code], shortcoming.message)
  if (table.processes.size === 0) return undefined
  return {
    reading,
    table,
    naming: namingOf(reading, table, target),
    startedAt,
    endedAt: clock.now().toISOString(),
    capture: {
      containers: containers.map((container) => container.name),
      method: place.method,
      trust,
      path: record.path,
      bytes: record.bytes,
      complete: shortcoming === undefined,
      ...(shortcoming === undefined ? {} : { why: shortcoming.message }),
      disturbance: isNode ? NODE_DISTURBANCE : EXEC_DISTURBANCE,
      degraded: [...(isNode ? [] : EXEC_DEGRADED), ...[...table.degraded].sort()].slice(0, 32),
    },
  }
}

const NODE_DISTURBANCE = ['nothing was started in the containers']
const EXEC_DISTURBANCE = [
  'started sh, head, env, timeout and stat of the container, which its processes could see',
]
const EXEC_DEGRADED = [
  "seen by the container's own programs, which can leave out or make up whatever they like",
  'processes that hid in another PID namespace, or that its user may not read, are not seen',
]

/** Of a document that is worked out of captures: no better than the worst of them. */
export function documentSource(captured: readonly Captured[]): Source {
  const isAllNode = captured.every(({ reading }) => reading.place.method === 'node')
  return {
    kind: 'derived',
    mediaType: 'application/json',
    trust: isAllNode ? 'node-kernel' : 'target-controlled',
    derivedFrom: captured.map(({ capture }) => capture.path),
  }
}

async function* tee(
  stdout: AsyncIterable<Buffer>,
  write: (chunk: Buffer) => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of stdout) {
    await write(chunk)
    yield chunk
  }
}

/** Why the capture is not proven complete; undefined where it is. */
function shortcomingOf(
  table: ProcessTable,
  end: ScriptEnd,
  broken: ImpoundError | undefined,
  signal: AbortSignal,
): ImpoundError | undefined {
  if (signal.aborted) {
    return signal.reason instanceof ImpoundError ? signal.reason : new ImpoundError('aborted', 'stopped')
  }
  const said = end.stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
  const hints = ['a container without sh, head, env and stat can be read from its node only']
  const error = end.failure ?? broken
  if (error !== undefined) {
    return error === broken && said !== '' ? new ImpoundError('target-refused', said, { hints }) : error
  }
  if (!table.ended) {
    const status = end.exitCode ?? 'unknown'
    return new ImpoundError('cut', `it ended early, with status ${status}${said === '' ? '' : `: ${said}`}`)
  }
  return end.complete ? undefined : new ImpoundError('cut', 'the node counted other bytes than came')
}

function namingOf({ place, containers }: Reading, table: ProcessTable, target: Target): Naming {
  const { spec } = target.pod
  const ownPidNamespace = spec?.hostPID !== true && spec?.shareProcessNamespace !== true
  if (place.method === 'exec') {
    const name = containers[0]?.name
    return { container: () => name, ownPidNamespace }
  }
  const names = new Map(
    containers.map((container: TargetContainer) => [runtimeId(container), container.name]),
  )
  return { container: (pid) => names.get(table.containers.get(pid) ?? ''), ownPidNamespace }
}
