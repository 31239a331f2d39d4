import { pathKey } from '../../filesystem/path-key.js'
import { readTar } from '../../formats/tar.js'
import type { CollectContext } from '../../model/collector.js'
import { ImpoundError, isCode } from '../../model/errors.js'
import type { NodeSession } from '../../model/ports/node-pod.js'
import { nodePayload, requireWhole } from '../node-payload.js'
import type { ContainerRecord } from './container-record.js'
import { containerdRecords, META_PATH, SNAPSHOTS_PATH } from './containerd-records.js'
import { crioRecords, dockerRecords } from './docker-records.js'

/** Of one file, and of all: they are held in memory while they are read. containerd's of a busy node have some 10 MB. */
const MOST_OF_ONE = 48 << 20
const MOST_OF_ALL = 96 << 20
const MOST_FILES = 60_000
/** A copy of a file that is written to may be torn. */
const MOST_TRIES = 3

export interface DeadContainers {
  readonly records: readonly ContainerRecord[]
  /** Which records there were on the node, and which could not be read and why. */
  readonly seen: readonly string[]
}

/**
 * What the runtimes on a node still know of a pod's containers. Their files hold every pod's environment: they are looked through, and not
 * kept. Throws what the node or the stream ended with.
 */
export async function findDeadContainers(
  context: CollectContext,
  session: NodeSession,
  script: string,
  podUid: string,
): Promise<DeadContainers> {
  for (let tries = 1; ; tries += 1) {
    const { files, seen } = await recordFiles(context, session, script)
    try {
      return { records: recordsIn(files, podUid), seen }
    } catch (error) {
      if (!isCode(error, 'integrity') || tries >= MOST_TRIES) throw error
    }
  }
}

/** What all runtimes' files say of a pod's containers. Throws `integrity` where a bbolt file is damaged. */
export function recordsIn(files: ReadonlyMap<string, Buffer>, podUid: string): readonly ContainerRecord[] {
  const containerd = [...files].flatMap(([path, meta]) => {
    if (!path.endsWith(META_PATH)) return []
    const root = path.slice(0, -META_PATH.length)
    return containerdRecords(root, meta, files.get(root + SNAPSHOTS_PATH), podUid)
  })
  return [...containerd, ...dockerRecords(files, podUid), ...crioRecords(files, podUid)].sort((a, b) =>
    a.id < b.id ? -1 : 1,
  )
}

async function recordFiles(context: CollectContext, session: NodeSession, script: string) {
  const call = { name: 'dead-containers', text: script, args: [] }
  const payload = nodePayload(context, session, call, 2 * MOST_OF_ALL, (bytes) =>
    context.progress('records of runtimes', bytes),
  )
  const files = new Map<string, Buffer>()
  const seen: string[] = []
  let bytes = 0
  let broken: unknown
  try {
    for await (const { header, content } of readTar(payload.bytes, { entries: MOST_FILES })) {
      const key = pathKey(header.path)
      if (key === undefined || header.type !== 'file') continue
      const path = `/${key}`
      const isShown = !/\/(?:lower|mount-id|config\.v2\.json)$/.test(path)
      if (header.size > MOST_OF_ONE || bytes + header.size > MOST_OF_ALL) {
        seen.push(`${path}: not read, it has ${header.size} bytes`)
        continue
      }
      const pieces: Buffer[] = []
      for await (const piece of content) pieces.push(Buffer.from(piece))
      bytes += header.size
      files.set(path, Buffer.concat(pieces))
      if (isShown) seen.push(path)
    }
  } catch (error) {
    if (!(error instanceof ImpoundError) || isCode(error, 'aborted', 'storage')) throw error
    broken = error
  }
  const end = await payload.end
  if (end.failure !== undefined || broken !== undefined) throw end.failure ?? broken
  // 1: tar could not read one of them, or it changed meanwhile
  if (end.run?.exitCode !== 1) requireWhole(end)
  return { files, seen: seen.slice(0, 20) }
}
