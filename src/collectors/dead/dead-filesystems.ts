import type { CollectContext } from '../../model/collector.js'
import { ImpoundError, isCode } from '../../model/errors.js'
import type { NodeSession } from '../../model/ports/node-pod.js'
import type { Sink } from '../../model/ports/sink.js'
import { safeSegment } from '../../model/safe-segment.js'
import type { Scripts } from '../../model/scripts.js'
import type { Target } from '../../model/target.js'
import { beginOfDead, writeUpper } from '../filesystem-node.js'
import type { FilesystemJob } from '../filesystem-outputs.js'
import type { ContainerRecord } from './container-record.js'
import { findDeadContainers } from './dead-containers.js'

const MOST_CONTAINERS = 50

const REMARKS: readonly string[] = [
  'the pod is gone from the API: its container was found by the records of its runtime, and compared with the layers that the node has',
  'what was mounted into it is not known any more: empty directories and files that were mount points count as added',
]

/** What each container of a pod that is gone wrote, as long as its runtime has it. What could not be had is a row. */
export async function takeDeadFilesystems(
  context: CollectContext,
  session: NodeSession,
  target: Target,
  scripts: Pick<Scripts, 'deadContainers' | 'upperdir'>,
  scratchDirectory: string,
  sink: Sink,
): Promise<void> {
  const subject = 'writable layers of its containers'
  const found = await attempt(context, subject, sink, () =>
    findDeadContainers(context, session, scripts.deadContainers, target.uid),
  )
  if (found === undefined) return
  if (found.records.length === 0) {
    const where = found.seen.length === 0 ? 'no records of a runtime that is known' : found.seen.join(', ')
    const why = `no runtime on the node has a container of this pod any more (looked into: ${where})`
    await sink.failed(subject, new ImpoundError('not-found', why))
    return
  }
  const names = new Map<string, number>()
  for (const record of found.records.slice(0, MOST_CONTAINERS)) {
    const shown = record.name === '' ? record.id.slice(0, 12) : record.name
    const times = (names.get(shown) ?? 0) + 1
    names.set(shown, times)
    const name = times === 1 ? shown : `${shown}-${record.id.slice(0, 12)}`
    await attempt(context, `filesystem ${name}`, sink, () =>
      take(context, session, { record, name }, scripts.upperdir, scratchDirectory, sink),
    )
  }
}

async function take(
  context: CollectContext,
  session: NodeSession,
  { record, name }: { readonly record: ContainerRecord; readonly name: string },
  script: string,
  scratchDirectory: string,
  sink: Sink,
): Promise<void> {
  const { layers, why, id, runtime, image } = record
  if (layers === undefined) throw new ImpoundError('unsupported', why ?? 'its layers are not known')
  const containerID = `${runtime}://${id}`
  const job: FilesystemJob = {
    container: {
      ...{ name, role: 'main', image: image ?? '', imageID: '', containerID },
      ...{ restartCount: 0, running: false, startedAt: undefined },
    },
    directory: `filesystem/${safeSegment(name)}`,
    volumes: [],
    source: {
      kind: 'stream',
      mediaType: 'application/x-tar',
      trust: 'node-kernel',
      request: `node ${session.node}: sh -c (templates/node/upperdir.sh) impound-upperdir dead ${layers.upper}`,
    },
    maxContentBytes: context.options.maxContentBytes,
    scratchDirectory,
    processes: undefined,
    remarks: [...REMARKS, `${containerID}${image === undefined ? '' : ` of image ${image}`}`],
  }
  const capture = await beginOfDead(context, session, script, job, layers)
  await writeUpper(job, capture, undefined, sink)
}

async function attempt<Result>(
  context: CollectContext,
  subject: string,
  sink: Sink,
  act: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage') || context.run.signal.aborted)
      throw error
    await sink.failed(subject, error)
    return undefined
  }
}
