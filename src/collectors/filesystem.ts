import { tmpdir } from 'node:os'

import { type Baseline, Baselines, isBaselineFailure } from '../filesystem/baseline.js'
import { captureByExec, type ExecCapture } from '../filesystem/exec-capture.js'
import { interruption } from '../filesystem/completeness.js'
import { volumeMountsOf } from '../filesystem/mounts.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { isCode } from '../model/errors.js'
import type { Source } from '../model/evidence.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type Target, type TargetContainer } from '../model/target.js'
import { nodePlatform } from './node-platform.js'
import { type ContainerCapture, writeDiff, writeListing } from './filesystem-results.js'

/** Bytes of a container's tar that are read at most, beside what the image has and what is kept; headers and surprises. */
const SLACK_BYTES = 2 ** 30
/** The same where nobody knows how big the image is. */
const UNKNOWN_IMAGE_BYTES = 8 * 2 ** 30

/**
 * What changed in each running container against its image. This version reads through the container itself (`exec`); the ways
 * by an ephemeral container and by the node will come before it when they are allowed. `script` is the text of
 * templates/capture-filesystem.sh; `scratchDirectory` gets one encrypted temporary file while a container is read.
 */
export function createFilesystemCollector(script: string, scratchDirectory: string = tmpdir()): Collector {
  return {
    name: 'filesystem',
    summary:
      "what changed in every running container against its image, read through the container's own tar",
    phases: ['slow'],
    requirements: (options, target) => ({
      access: options.allow.has('exec')
        ? (['get', 'create'] as const).map((verb) => ({
            verb,
            group: '',
            resource: 'pods',
            subresource: 'exec',
            namespace: target.namespace,
          }))
        : [],
      impact: 'exec',
    }),
    async collect(context, target, sink) {
      const platform = await nodePlatform(context, target)
      const baselines = new Baselines(context.registry, platform, context.run.signal)
      for (const container of containersOf(target.pod)) {
        const subject = `filesystem ${container.name}`
        if (!container.running) {
          await sink.skip(subject, 'not-applicable', 'the container is not running')
        } else if (!context.options.allow.has('exec')) {
          await sink.skip(
            subject,
            'not-allowed',
            "reading it starts the container's own sh and tar; allow that with --allow exec",
          )
        } else {
          await capture(context, target, container, { script, scratchDirectory, baselines }, sink)
        }
      }
    },
  }
}

interface Means {
  readonly script: string
  readonly scratchDirectory: string
  readonly baselines: Baselines
}

async function capture(
  context: CollectContext,
  target: Target,
  container: TargetContainer,
  means: Means,
  sink: Sink,
): Promise<void> {
  const subject = `filesystem ${container.name}`
  const baseline = await baselineOf(context, container, means.baselines, sink)
  let stream: ExecCapture
  try {
    stream = await start(context, target, container, means.script, baseline)
  } catch (error) {
    if (context.run.signal.aborted) throw error
    await sink.failed(subject, error)
    return
  }
  const job: ContainerCapture = {
    container,
    directory: `filesystem/${safeSegment(container.name)}`,
    stream,
    volumes: volumeMountsOf(target.pod, container.name),
    source: streamSource(container),
    maxContentBytes: context.options.maxContentBytes,
    scratchDirectory: means.scratchDirectory,
  }
  if (baseline === undefined) await writeListing(job, sink)
  else await writeDiff(job, baseline, sink)
  const interrupted = interruption(await stream.end, context.run.signal)
  if (interrupted !== undefined) throw interrupted
}

/** The image's index; undefined, with a row in the ledger that says why, where it can't be had. */
async function baselineOf(
  context: CollectContext,
  container: TargetContainer,
  baselines: Baselines,
  sink: Sink,
): Promise<Baseline | undefined> {
  const subject = `filesystem ${container.name} baseline`
  const document = await context.case
    .document(`image/${safeSegment(container.name)}/image.json`)
    .catch(() => undefined)
  try {
    return await baselines.of(container, document, (bytes) => context.progress(subject, bytes))
  } catch (error) {
    if (context.run.signal.aborted || !isBaselineFailure(error)) throw error
    const consequence = 'without the image nobody can say what changed: the container is listed instead'
    if (isCode(error, 'refused')) {
      await sink.skip(subject, 'not-allowed', [error.message, ...error.hints, consequence].join('; '))
    } else {
      await sink.failed(subject, error)
    }
    return undefined
  }
}

function start(
  context: CollectContext,
  target: Target,
  container: TargetContainer,
  script: string,
  baseline: Baseline | undefined,
): Promise<ExecCapture> {
  const imageBytes = baseline === undefined ? UNKNOWN_IMAGE_BYTES : 2 * baseline.tree.fileBytes()
  return captureByExec(
    context.exec,
    { namespace: target.namespace, pod: target.name, container: container.name },
    {
      script,
      signal: context.run.signal,
      stallTimeoutMs: context.options.stallTimeoutMs,
      maxBytes: imageBytes + 2 * context.options.maxContentBytes + SLACK_BYTES,
      progress: (bytes) => context.progress(`filesystem ${container.name}`, bytes),
    },
  )
}

function streamSource(container: TargetContainer): Source {
  return {
    kind: 'stream',
    mediaType: 'application/x-tar',
    trust: 'target-controlled',
    request: `exec ${container.name}: sh -c (templates/capture-filesystem.sh) impound`,
  }
}
