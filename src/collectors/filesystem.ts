import { tmpdir } from 'node:os'

import { type Baseline, Baselines, isBaselineFailure } from '../filesystem/baseline.js'
import { captureByExec, type ExecCapture } from '../filesystem/exec-capture.js'
import { interruption } from '../filesystem/completeness.js'
import { LayerCache } from '../filesystem/layer-cache.js'
import { volumeMountsOf } from '../filesystem/mounts.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { isCode } from '../model/errors.js'
import type { Source } from '../model/evidence.js'
import type { Sink } from '../model/ports/sink.js'
import type { Scripts } from '../model/scripts.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type Target, type TargetContainer } from '../model/target.js'
import { nodePlatform } from './node-platform.js'
import { beginOnNode, writeUpper } from './filesystem-node.js'
import type { FilesystemJob } from './filesystem-outputs.js'
import { type ContainerCapture, type PassedOver, writeDiff, writeListing } from './filesystem-results.js'

/** Bytes of a container's tar that are read at most, beside what the image has and what is kept; headers and surprises. */
const SLACK_BYTES = 2 ** 30
/** The same where nobody knows how big the image is. */
const UNKNOWN_IMAGE_BYTES = 8 * 2 ** 30

/**
 * What changed in each running container against its image. Of the ways that are allowed the best that works is taken: the upper
 * directory on its node, then the container's own sh and tar. `layers` keeps what is known of image layers; `scratchDirectory` gets encrypted temporary files while a container
 * is read.
 */
export function createFilesystemCollector(
  scripts: Pick<Scripts, 'captureFilesystem' | 'upperdir'>,
  scratchDirectory: string = tmpdir(),
  layers: LayerCache = new LayerCache(),
): Collector {
  return {
    name: 'filesystem',
    summary: 'what changed in every running container against its image, by its node or through its own tar',
    phases: ['slow'],
    requirements: ({ allow }, target) => ({
      // Beside the node it is a second best, and may be refused
      access:
        allow.has('exec') && !allow.has('node')
          ? (['get', 'create'] as const).map((verb) => ({
              verb,
              group: '',
              resource: 'pods',
              subresource: 'exec',
              namespace: target.namespace,
            }))
          : [],
      impact: allow.has('node') ? 'node' : 'exec',
      ways: ['node', 'exec'],
    }),
    async collect(context, target, sink) {
      const platform = await nodePlatform(context, target)
      const baselines = new Baselines(context.registry, platform, layers, context.run.signal)
      const { allow } = context.options
      for (const container of containersOf(target.pod)) {
        const subject = `filesystem ${container.name}`
        if (!container.running) {
          await sink.skip(subject, 'not-applicable', 'the container is not running')
        } else if (!allow.has('exec') && !allow.has('node')) {
          await sink.skip(
            subject,
            'not-allowed',
            "reading it starts a pod on its node (--allow node) or the container's own sh and tar (--allow exec)",
          )
        } else {
          await capture(context, target, container, { scripts, scratchDirectory, baselines }, sink)
        }
      }
    },
  }
}

interface Means {
  readonly scripts: Pick<Scripts, 'captureFilesystem' | 'upperdir'>
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
  const { baseline, mismatch } = await baselineOf(context, container, means.baselines, sink)
  const place = {
    container,
    directory: `filesystem/${safeSegment(container.name)}`,
    volumes: volumeMountsOf(target.pod, container.name),
    maxContentBytes: context.options.maxContentBytes,
    scratchDirectory: means.scratchDirectory,
    processes: await context.case.document('processes.json').catch(() => undefined),
    ...(mismatch === undefined ? {} : { mismatch }),
  }
  const { allow } = context.options
  const passedOver: PassedOver[] = []
  try {
    if (allow.has('node')) {
      try {
        await captureOnNode(
          context,
          target,
          { ...place, source: nodeSource(container) },
          baseline,
          means,
          sink,
        )
        return
      } catch (error) {
        if (!(error instanceof WayClosed) || !allow.has('exec')) throw error
        passedOver.push({ method: 'node', why: error.why.message })
      }
    }
    await captureInside(
      context,
      target,
      { ...place, source: execSource(container) },
      baseline,
      means,
      passedOver,
      sink,
    )
  } catch (error) {
    if (context.run.signal.aborted || !(error instanceof WayClosed)) throw error
    await sink.failed(subject, error.why)
  }
}

/** A way that could not even be begun: it has left nothing, and another may be tried. */
class WayClosed extends Error {
  readonly why: Error

  constructor(why: Error) {
    super(why.message)
    this.why = why
  }
}

async function begun<Begun>(way: Promise<Begun>, signal: AbortSignal): Promise<Begun> {
  try {
    return await way
  } catch (error) {
    if (signal.aborted || !(error instanceof Error) || isCode(error, 'storage', 'bug')) throw error
    throw new WayClosed(error)
  }
}

async function captureOnNode(
  context: CollectContext,
  target: Target,
  job: FilesystemJob,
  baseline: Baseline | undefined,
  { scripts }: Means,
  sink: Sink,
): Promise<void> {
  const node = target.pod.spec?.nodeName ?? ''
  const { signal } = context.run
  const upper = await begun(beginOnNode(context, node, scripts.upperdir, job, baseline), signal)
  await writeUpper(job, upper, baseline, sink)
  const interrupted = interruption(await upper.capture.end, signal)
  if (interrupted !== undefined) throw interrupted
}

async function captureInside(
  context: CollectContext,
  target: Target,
  job: FilesystemJob,
  baseline: Baseline | undefined,
  { scripts }: Means,
  passedOver: readonly PassedOver[],
  sink: Sink,
): Promise<void> {
  const { signal } = context.run
  const stream = await begun(
    start(context, target, job.container, scripts.captureFilesystem, baseline),
    signal,
  )
  const inside: ContainerCapture = { ...job, stream, passedOver }
  if (baseline === undefined) await writeListing(inside, sink)
  else await writeDiff(inside, baseline, sink)
  const interrupted = interruption(await stream.end, signal)
  if (interrupted !== undefined) throw interrupted
}

interface FoundBaseline {
  readonly baseline?: Baseline
  /** Why there is none, where that is because bytes were not what a digest names. */
  readonly mismatch?: string
}

/** The image's index; where it can't be had, a row in the ledger says why. */
async function baselineOf(
  context: CollectContext,
  container: TargetContainer,
  baselines: Baselines,
  sink: Sink,
): Promise<FoundBaseline> {
  const subject = `filesystem ${container.name} baseline`
  const document = await context.case
    .document(`image/${safeSegment(container.name)}/image.json`)
    .catch(() => undefined)
  try {
    const progress = (bytes: number): void => context.progress(subject, bytes)
    return { baseline: await baselines.of(container, document, progress) }
  } catch (error) {
    if (context.run.signal.aborted || !isBaselineFailure(error)) throw error
    const consequence = context.options.allow.has('node')
      ? "on its node the container is compared with the node's copy of its layers instead, which nobody checked"
      : 'without the image nobody can say what changed: the container is listed instead'
    if (isCode(error, 'refused')) {
      await sink.skip(subject, 'not-allowed', [error.message, ...error.hints, consequence].join('; '))
    } else {
      await sink.failed(subject, error)
    }
    return isCode(error, 'integrity') ? { mismatch: error.message } : {}
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

function nodeSource(container: TargetContainer): Source {
  return {
    kind: 'stream',
    mediaType: 'application/x-tar',
    trust: 'node-kernel',
    request: `node ${container.name}: sh -c (templates/node/upperdir.sh) impound-upperdir`,
  }
}

function execSource(container: TargetContainer): Source {
  return {
    kind: 'stream',
    mediaType: 'application/x-tar',
    trust: 'target-controlled',
    request: `exec ${container.name}: sh -c (templates/capture-filesystem.sh) impound`,
  }
}
