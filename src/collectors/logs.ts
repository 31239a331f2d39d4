import { PassThrough, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { podPath } from '../model/api-path.js'
import type { CollectContext, Collector } from '../model/collector.js'
import type { LogsDocument } from '../model/documents.js'
import { ImpoundError } from '../model/errors.js'
import { at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type Target, type TargetContainer } from '../model/target.js'

type LogFacts = LogsDocument['logs'][number]

/**
 * Each container's log as the API has it, current and previous, raw with timestamps. The API returns the newest log file
 * alone: what the kubelet rotated away is on the node, and logs.json says so for each.
 */
export const logsCollector: Collector = {
  name: 'logs',
  summary: 'logs of every container, current and previous run, as far as the API has them',
  phases: ['slow'],
  requirements: (_options, target) => ({
    access: [{ verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: target.namespace }],
    impact: 'read',
  }),
  async collect(context, target, sink) {
    const logs: LogFacts[] = []
    const before = await containersNow(context, target)
    for (const container of before) {
      if (container.containerID === '' && container.restartCount === 0) {
        await sink.skip(`logs ${container.name}`, 'not-applicable', 'the container never started')
        continue
      }
      logs.push(...(await capture(context, target, container, 'current', sink)))
      if (container.restartCount > 0)
        logs.push(...(await capture(context, target, container, 'previous', sink)))
    }
    // a container that restarted meanwhile has a run that nobody has read yet
    for (const container of await containersNow(context, target)) {
      const seen = before.find(({ name }) => name === container.name)?.restartCount ?? 0
      if (container.restartCount <= seen) continue
      const name = `previous-${container.restartCount}` as const
      logs.push(...(await capture(context, target, container, name, sink)))
    }
    const document: LogsDocument = {
      schema: 'impound/logs/v1',
      logs,
      olderFiles: 'not visible through the API',
    }
    const derivedFrom = logs.map((log) => log.path)
    await sink.document(
      'logs.json',
      document,
      { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom },
      '',
    )
  },
}

/** The containers as they are at this moment: since the plan one may have restarted. Throws `target-changed`. */
async function containersNow(context: CollectContext, target: Target): Promise<readonly TargetContainer[]> {
  const { json } = await context.now.get(podPath(target.namespace, target.name))
  if (at(json, 'metadata', 'uid') === target.uid) return containersOf(json as Pod)
  throw new ImpoundError('target-changed', `${target.name} is another pod now: its UID differs`)
}

async function capture(
  context: CollectContext,
  target: Target,
  container: TargetContainer,
  run: LogFacts['run'],
  sink: Sink,
): Promise<readonly LogFacts[]> {
  const previous = run !== 'current'
  const subject = `logs ${container.name} ${run}`
  const edges = new LineEdges((bytes) => context.progress(subject, bytes))
  let unverified = false
  const record = await sink.attempt(
    `logs/${safeSegment(container.name)}/${run}.log`,
    {
      kind: 'stream',
      mediaType: 'text/plain',
      trust: 'target-controlled',
      request: `GET pods/${target.name}/log?container=${container.name}&previous=${String(previous)}&timestamps=true`,
    },
    subject,
    async (writer) => {
      const tap = new PassThrough()
      const written = pipeline(tap, edges, writer.stream, { end: false, signal: context.run.signal })
      try {
        const outcome = await context.logs.log(
          { namespace: target.namespace, pod: target.name, container: container.name, previous },
          tap,
          {
            signal: context.run.signal,
            stallTimeoutMs: context.options.stallTimeoutMs,
            maxBytes: context.options.maxLogBytes,
          },
        )
        unverified = outcome.backendUnverified
      } finally {
        tap.end()
        await written
      }
    },
  )
  if (record === undefined) return []
  return [
    {
      container: container.name,
      run,
      path: record.path,
      bytes: record.bytes,
      lines: edges.lines,
      ...(edges.first === undefined ? {} : { firstLineAt: edges.first }),
      ...(edges.last === undefined ? {} : { lastLineAt: edges.last }),
      ...(container.startedAt === undefined || previous ? {} : { containerStartedAt: container.startedAt }),
      endsWithNewline: edges.endsWithNewline,
      kubeletCertificateUnverified: unverified,
    },
  ]
}

const NEWLINE = 0x0a
/** An RFC 3339 time with nanoseconds and a zone is at most 35 bytes. */
const STAMP_BYTES = 36

/** Passes bytes through and keeps the time at the head of the first and of the last line, and the count of newlines. */
class LineEdges extends Transform {
  lines = 0
  endsWithNewline = true
  first: string | undefined
  last: string | undefined
  private bytes = 0
  private head = ''
  private atLineStart = true
  private readonly progress: (bytes: number) => void

  constructor(progress: (bytes: number) => void) {
    super()
    this.progress = progress
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    let offset = 0
    while (offset < chunk.length) {
      if (this.atLineStart) this.head = ''
      const newline = chunk.indexOf(NEWLINE, offset)
      const end = newline === -1 ? chunk.length : newline
      if (this.head.length < STAMP_BYTES) {
        this.head += chunk.toString('latin1', offset, Math.min(end, offset + STAMP_BYTES - this.head.length))
      }
      this.note()
      this.atLineStart = newline !== -1
      if (newline !== -1) this.lines += 1
      offset = end + 1
    }
    this.endsWithNewline = this.atLineStart
    this.bytes += chunk.length
    this.progress(this.bytes)
    done(null, chunk)
  }

  private note(): void {
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)(?= |$)/.exec(
      this.head,
    )?.[0]
    if (time === undefined) return
    this.first ??= time
    this.last = time
  }
}
