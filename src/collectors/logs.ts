import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { podPath } from '../model/api-path.js'
import type { CollectContext, Collector } from '../model/collector.js'
import type { LogFile, LogsDocument } from '../model/log-documents.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { at } from '../model/json.js'
import type { Pod } from '../model/kubernetes.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type Target, type TargetContainer } from '../model/target.js'
import { coverCompressed } from './compressed-logs.js'
import { LineEdges } from './line-edges.js'
import { gapWords, logGaps, type ContainerRuns } from './log-gaps.js'
import { readNodeLogFiles } from './node-log-files.js'

type LogFacts = LogsDocument['logs'][number]

/**
 * Each container's log as the API has it, current and previous, raw with timestamps. The API returns the newest log file
 * alone: with --allow node every file that lies on the node comes after it. `script` is the text for it.
 */
export function createLogsCollector(script: string): Collector {
  return {
    name: 'logs',
    summary: 'logs of every container, current and previous run, and by --allow node all rotated files',
    phases: ['slow'],
    requirements: ({ allow }, target) => ({
      access: [{ verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: target.namespace }],
      impact: allow.has('node') ? 'node' : 'read',
    }),
    async collect(context, target, sink) {
      const logs = await apiLogs(context, target, sink)
      const onNode = context.options.allow.has('node')
        ? await nodeLogFiles(context, target, script, sink)
        : undefined
      const files = onNode?.files ?? []
      const gaps = logGaps(files, onNode?.runs ?? [], logs)
      await writeLogsDocument(sink, {
        schema: 'impound/logs/v1',
        logs,
        olderFiles: !context.options.allow.has('node')
          ? 'not visible through the API'
          : onNode === undefined
            ? 'not read from the node'
            : 'read from the node',
        files,
        gaps,
      })
    },
  }
}

async function apiLogs(context: CollectContext, target: Target, sink: Sink): Promise<readonly LogFacts[]> {
  const logs: LogFacts[] = []
  const before = containersOf(await podNow(context, target))
  for (const container of before) {
    if (container.containerID === '' && container.restartCount === 0) {
      await sink.skip(`logs ${container.name}`, 'not-applicable', 'the container never started')
      continue
    }
    logs.push(...(await capture(context, target, container, 'current', sink)))
    if (container.restartCount > 0) {
      logs.push(...(await capture(context, target, container, 'previous', sink)))
    }
  }
  // a container that restarted meanwhile has a run that nobody has read yet
  for (const container of containersOf(await podNow(context, target))) {
    const seen = before.find(({ name }) => name === container.name)?.restartCount ?? 0
    if (container.restartCount <= seen) continue
    const name = `previous-${container.restartCount}` as const
    logs.push(...(await capture(context, target, container, name, sink)))
  }
  return logs
}

/** What lies on the node; undefined, with a row that says why, where the node could not be asked. */
async function nodeLogFiles(
  context: CollectContext,
  target: Target,
  script: string,
  sink: Sink,
): Promise<{ readonly files: readonly LogFile[]; readonly runs: readonly ContainerRuns[] } | undefined> {
  const node = target.pod.spec?.nodeName
  if (node === undefined || node === '') {
    await sink.skip('logs on the node', 'not-applicable', 'the pod is on no node')
    return undefined
  }
  try {
    const session = await context.nodePods.on(node, context.run.signal)
    const { files } = await readNodeLogFiles(context, session, target, script, sink)
    const runs = containerRuns(await podNow(context, target))
    return { files: await coverCompressed(context, files), runs }
  } catch (error) {
    if (isCode(error, 'aborted', 'storage') || context.run.signal.aborted) throw error
    await sink.failed('logs on the node', error)
    return undefined
  }
}

function containerRuns(pod: Pod): readonly ContainerRuns[] {
  const { initContainerStatuses, containerStatuses, ephemeralContainerStatuses } = pod.status ?? {}
  return [initContainerStatuses, containerStatuses, ephemeralContainerStatuses]
    .flatMap((statuses) => statuses ?? [])
    .map(({ name = '', restartCount = 0, state, lastState }) => {
      const startedAt = state?.running?.startedAt ?? state?.terminated?.startedAt
      const previousStartedAt = lastState?.terminated?.startedAt
      return {
        name,
        restartCount,
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(previousStartedAt === undefined ? {} : { previousStartedAt }),
      }
    })
}

const MOST_GAPS_NAMED = 5

/** Where lines are missing, the document is told as partial: it is the row of all the logs together. */
export async function writeLogsDocument(sink: Sink, document: LogsDocument): Promise<void> {
  const { logs, files, gaps } = document
  const derivedFrom = [...logs, ...files].flatMap(({ path }) => path ?? [])
  const writer = await sink.open(
    'logs.json',
    { kind: 'derived', mediaType: 'application/json', trust: 'derived', derivedFrom },
    gaps.length === 0 ? '' : 'logs',
  )
  await writer.write(`${JSON.stringify(document, null, 2)}\n`)
  if (gaps.length === 0) {
    await writer.end()
    return
  }
  const named = gaps.slice(0, MOST_GAPS_NAMED).map(gapWords)
  const more = gaps.length > named.length ? [`and ${gaps.length - named.length} more`] : []
  await writer.partial('cut', [...named, ...more].join('; '))
}

/** The pod as it is at this moment: since the plan a container may have restarted. Throws `target-changed`. */
async function podNow(context: CollectContext, target: Target): Promise<Pod> {
  const { json } = await context.now.get(podPath(target.namespace, target.name))
  if (at(json, 'metadata', 'uid') === target.uid) return json as Pod
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
