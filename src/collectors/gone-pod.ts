import { tmpdir } from 'node:os'

import type { CollectContext, Collector } from '../model/collector.js'
import type { LogsDocument } from '../model/log-documents.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import type { Sink } from '../model/ports/sink.js'
import type { Scripts } from '../model/scripts.js'
import type { Target } from '../model/target.js'
import { eventsOfUid } from './events.js'
import { coverCompressed } from './compressed-logs.js'
import { logGaps } from './log-gaps.js'
import { writeLogsDocument } from './logs.js'
import { MountReading } from './mounts/mount-reading.js'
import { takeDeadFilesystems } from './dead/dead-filesystems.js'
import type { Place } from './mounts/places.js'
import { readNodeLogFiles } from './node-log-files.js'

/** The name of a pod of which only the UID is known. */
export const NAMELESS_POD = 'gone-pod'

const GONE: readonly (readonly [subject: string, why: string])[] = [
  [
    'pod object',
    'the API has forgotten it: specification, status, owners, image and service account are not known',
  ],
  ['processes, sockets and memory', 'they ended with the pod'],
]

export type GonePodScripts = Pick<
  Scripts,
  'podLogs' | 'writableMounts' | 'captureMount' | 'deadContainers' | 'upperdir'
>

/**
 * What is left of a pod that is gone: its log files, emptyDirs and what its containers wrote on the node until the kubelet clears them away, its events until the API
 * server drops them. The target has a UID and a node, and perhaps a name.
 */
export function createGonePodCollector(
  scripts: GonePodScripts,
  scratchDirectory: string = tmpdir(),
): Collector {
  return {
    name: 'gone-pod',
    summary: 'what is left of a pod that is gone: log files, emptyDirs, containers’ changes, events',
    phases: ['slow'],
    requirements: () => ({ access: [{ verb: 'list', group: '', resource: 'events' }], impact: 'node' }),
    async collect(context, target, sink) {
      for (const [subject, why] of GONE) await sink.skip(subject, 'target-gone', why)
      await eventsOfUid(context, target, sink)
      const session = await sessionOf(context, target, sink)
      if (session === undefined) return
      await logs(context, session, target, scripts.podLogs, sink)
      const reading = new MountReading(context, target, scripts, scratchDirectory, sink)
      await reading.takeAll(session, [emptyDirs(target.uid)])
      await reading.document()
      await takeDeadFilesystems(context, session, target, scripts, scratchDirectory, sink)
    },
  }
}

async function sessionOf(
  context: CollectContext,
  { pod }: Target,
  sink: Sink,
): Promise<NodeSession | undefined> {
  if (!context.options.allow.has('node')) {
    await sink.skip(
      'log files and emptyDirs',
      'not-allowed',
      'they are on the node; allow that with --allow node',
    )
    return undefined
  }
  try {
    return await context.nodePods.on(pod.spec?.nodeName ?? '', context.run.signal)
  } catch (error) {
    if (isCode(error, 'aborted', 'storage')) throw error
    await sink.failed('log files and emptyDirs', error)
    return undefined
  }
}

async function logs(
  context: CollectContext,
  session: NodeSession,
  { uid }: Target,
  script: string,
  sink: Sink,
): Promise<void> {
  try {
    // by the UID alone: a name may have been mistyped, or be another pod's by now
    const where = { namespace: '', name: '', uid }
    const read = await readNodeLogFiles(context, session, where, script, sink)
    const files = await coverCompressed(context, read.files)
    if (files.length === 0) throw new ImpoundError('not-found', 'its log directory has no file any more')
    const document: LogsDocument = {
      schema: 'impound/logs/v1',
      logs: [],
      olderFiles: 'read from the node',
      files,
      gaps: logGaps(files, [], []),
    }
    await writeLogsDocument(sink, document)
  } catch (error) {
    if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage') || context.run.signal.aborted)
      throw error
    await sink.failed('logs on the node', error)
  }
}

/** All emptyDirs of the pod together, as far as they lie on the disk: those in memory went with it. */
function emptyDirs(uid: string): Place {
  const path = `${uid}/volumes/kubernetes.io~empty-dir`
  return {
    container: 'pod',
    // below the kubelet's root, which its flags may put anywhere
    point: `pods/${path}`,
    volume: 'empty-dirs',
    type: 'emptyDir',
    mode: 'content',
    ways: [{ where: `kubelet:${path}`, device: '-' }],
  }
}
