import { tmpdir } from 'node:os'

import { type Baseline, Baselines, isBaselineFailure } from '../filesystem/baseline.js'
import { interruption } from '../filesystem/completeness.js'
import { LayerCache } from '../filesystem/layer-cache.js'
import { volumeMountsOf } from '../filesystem/mounts.js'
import type { AccessRule } from '../model/api-path.js'
import type { Allowance, CollectContext, Collector, Way } from '../model/collector.js'
import { isCode } from '../model/errors.js'
import type { Source } from '../model/evidence.js'
import type { Sink } from '../model/ports/sink.js'
import type { Scripts } from '../model/scripts.js'
import { safeSegment } from '../model/safe-segment.js'
import { containersOf, type Target, type TargetContainer } from '../model/target.js'
import { nodePlatform } from './node-platform.js'
import { beginInside, type InsideScripts } from './filesystem-inside.js'
import { beginOnNode, writeUpper } from './filesystem-node.js'
import type { FilesystemJob } from './filesystem-outputs.js'
import { type ContainerCapture, type PassedOver, writeDiff, writeListing } from './filesystem-results.js'

/**
 * What changed in each running container against its image. Of the ways that are allowed the best that works is taken: the upper
 * directory on its node, the merged view from a container of ours beside it, then the container's own sh and tar. `layers` keeps what is known of image layers; `scratchDirectory` gets encrypted temporary files while a container
 * is read.
 */
export function createFilesystemCollector(
  scripts: FilesystemScripts,
  scratchDirectory: string = tmpdir(),
  layers: LayerCache = new LayerCache(),
): Collector {
  return {
    name: 'filesystem',
    summary:
      'what changed in every container against its image: by its node, from beside it, or by its own tar',
    phases: ['slow'],
    requirements: ({ allow }, target) => ({
      // Beside the node they are second best, and may be refused
      access: allow.has('node') ? [] : insideAccess(allow, target),
      impact: WAYS.find((way) => allow.has(way)) ?? 'exec',
      ways: WAYS,
    }),
    async collect(context, target, sink) {
      const platform = await nodePlatform(context, target)
      const baselines = new Baselines(context.registry, platform, layers, context.run.signal)
      const { allow } = context.options
      for (const container of containersOf(target.pod)) {
        const subject = `filesystem ${container.name}`
        if (!container.running) {
          await sink.skip(subject, 'not-applicable', 'the container is not running')
        } else if (!WAYS.some((way) => allow.has(way))) {
          await sink.skip(
            subject,
            'not-allowed',
            'reading it starts a pod on its node (--allow node), a container of ours beside it (--allow ephemeral), or its own sh and tar (--allow exec)',
          )
        } else {
          await capture(context, target, container, { scripts, scratchDirectory, baselines }, sink)
        }
      }
    },
  }
}

export type FilesystemScripts = Pick<Scripts, 'upperdir'> & InsideScripts

/** Best first. */
const WAYS: readonly Way[] = ['node', 'ephemeral', 'exec']

function insideAccess(allow: ReadonlySet<Allowance>, { namespace }: Target): readonly AccessRule[] {
  if (!allow.has('exec') && !allow.has('ephemeral')) return []
  const pods = { group: '', resource: 'pods', namespace }
  return [
    ...(['get', 'create'] as const).map((verb) => ({ ...pods, verb, subresource: 'exec' })),
    ...(allow.has('ephemeral')
      ? [{ ...pods, verb: 'patch', subresource: 'ephemeralcontainers' } as const]
      : []),
  ]
}

interface Means {
  readonly scripts: FilesystemScripts
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
  const ways = WAYS.filter((way) => context.options.allow.has(way))
  const passedOver: PassedOver[] = []
  for (const way of ways) {
    try {
      if (way === 'node') {
        await captureOnNode(
          context,
          target,
          { ...place, source: nodeSource(container) },
          baseline,
          means,
          sink,
        )
      } else {
        await captureInside(context, target, place, way, { baseline, passedOver, means }, sink)
      }
      return
    } catch (error) {
      if (context.run.signal.aborted || !(error instanceof WayClosed)) throw error
      if (way === ways.at(-1)) await sink.failed(subject, error.why)
      else if (way !== 'exec') passedOver.push({ method: way, why: error.why.message })
    }
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
  place: Omit<FilesystemJob, 'source'>,
  method: 'exec' | 'ephemeral',
  of: {
    readonly baseline: Baseline | undefined
    readonly passedOver: readonly PassedOver[]
    readonly means: Means
  },
  sink: Sink,
): Promise<void> {
  const { signal } = context.run
  const { baseline, passedOver, means } = of
  const begin = beginInside(context, target, place.container, method, means.scripts, baseline)
  const { source, ...capture } = await begun(begin, signal)
  const inside: ContainerCapture = { ...place, ...capture, source, passedOver }
  if (baseline === undefined) await writeListing(inside, sink)
  else await writeDiff(inside, baseline, sink)
  const interrupted = interruption(await capture.stream.end, signal)
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

function nodeSource(container: TargetContainer): Source {
  return {
    kind: 'stream',
    mediaType: 'application/x-tar',
    trust: 'node-kernel',
    request: `node ${container.name}: sh -c (templates/node/upperdir.sh) impound-upperdir`,
  }
}
