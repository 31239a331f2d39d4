import type { Baseline } from '../filesystem/baseline.js'
import type { InsideWay } from '../filesystem/degraded.js'
import { captureByExec, type ExecCapture } from '../filesystem/exec-capture.js'
import type { CollectContext } from '../model/collector.js'
import type { Source } from '../model/evidence.js'
import type { ContainerRef } from '../model/ports/streams.js'
import type { Scripts } from '../model/scripts.js'
import type { Target, TargetContainer } from '../model/target.js'
import { runtimeID } from '../filesystem/upper/upper-report.js'
import { startedAt } from './filesystem-outputs.js'

/** Bytes of a container's tar that are read at most, beside what the image has and what is kept; headers and surprises. */
const SLACK_BYTES = 2 ** 30
/** The same where nobody knows how big the image is. */
const UNKNOWN_IMAGE_BYTES = 8 * 2 ** 30
/** Seconds: a status says when a container had started, in whole ones, and its program may have written a moment before. */
const EARLIER = 1

export type InsideScripts = Pick<Scripts, 'captureFilesystem' | 'ephemeralFilesystem'>

/** A capture from within the pod that has begun. */
interface InsideCapture {
  readonly way: InsideWay
  readonly source: Source
  readonly stream: ExecCapture
  readonly since: number | undefined
  readonly fetch: (paths: readonly string[]) => Promise<ExecCapture>
}

/** Where the script runs, and what stands before its own arguments. */
interface Place {
  readonly where: ContainerRef
  readonly script: string
  readonly args: readonly string[]
  readonly way: InsideWay
  readonly source: Source
}

/**
 * Begins to read a container's merged view, by its own tools or, `ephemeral`, by those of a container of ours beside it. With an image to compare
 * with, a list of everything comes first where the far end can make one. Throws where that way is closed.
 */
export async function beginInside(
  context: CollectContext,
  target: Target,
  container: TargetContainer,
  method: InsideWay['method'],
  scripts: InsideScripts,
  baseline: Baseline | undefined,
): Promise<InsideCapture> {
  const place =
    method === 'exec'
      ? ownPlace(target, container, scripts.captureFilesystem)
      : await besidePlace(context, target, container, scripts.ephemeralFilesystem)
  const began = startedAt(container)
  const isWhole = baseline === undefined || context.options.paranoid === true || began === undefined
  const since = isWhole ? undefined : began - EARLIER
  const imageBytes = baseline === undefined ? UNKNOWN_IMAGE_BYTES : 2 * baseline.tree.fileBytes()
  const run = (args: readonly string[]): Promise<ExecCapture> =>
    captureByExec(context.exec, place.where, {
      script: place.script,
      args: [...place.args, ...args],
      signal: context.run.signal,
      stallTimeoutMs: context.options.stallTimeoutMs,
      maxBytes: imageBytes + 2 * context.options.maxContentBytes + SLACK_BYTES,
      progress: (bytes) => context.progress(`filesystem ${container.name}`, bytes),
    })
  return {
    way: place.way,
    source: place.source,
    stream: await run(since === undefined ? [] : [String(since)]),
    since,
    fetch: (paths) => run(['fetch', ...paths]),
  }
}

function ownPlace({ namespace, name }: Target, container: TargetContainer, script: string): Place {
  return {
    where: { namespace, pod: name, container: container.name },
    script,
    args: [],
    way: { method: 'exec' },
    source: {
      kind: 'stream',
      mediaType: 'application/x-tar',
      trust: 'target-controlled',
      request: `exec ${container.name}: sh -c (templates/capture-filesystem.sh) impound`,
    },
  }
}

async function besidePlace(
  context: CollectContext,
  { pod }: Target,
  container: TargetContainer,
  script: string,
): Promise<Place> {
  const id = runtimeID(container.containerID)
  const { where, image, user } = await context.ephemerals.beside(container.name, context.run.signal)
  const isShared = pod.spec?.shareProcessNamespace === true || pod.spec?.hostPID === true
  return {
    where,
    script,
    args: [id, isShared ? 'shared' : 'own'],
    way: { method: 'ephemeral', ephemeral: { container: where.container, image, user } },
    source: {
      kind: 'stream',
      mediaType: 'application/x-tar',
      trust: 'merged-view',
      request: `exec ${where.container} beside ${container.name}: sh -c (templates/ephemeral-root.sh, templates/capture-filesystem.sh) impound`,
    },
  }
}
