import { ByteReader } from '../../formats/byte-reader.js'
import { readTarWithin } from '../../formats/tar.js'
import { factsOf, fileFacts, type TreeFacts } from '../../filesystem/facts.js'
import { pathKey } from '../../filesystem/path-key.js'
import { parseMountInfo } from '../../filesystem/mount-info.js'
import { readInodeRecords, upToByte, type InodeRecord } from '../../filesystem/upper/inode-record.js'
import type { CollectContext } from '../../model/collector.js'
import type { DiffEntry, FileFacts } from '../../model/filesystem-documents.js'
import { ImpoundError, isCode, type ErrorCode } from '../../model/errors.js'
import { REASON_OF, type CountedReason } from '../../model/evidence.js'
import type { NodeSession } from '../../model/ports/node-pod.js'
import { nodePayload, requireWhole } from '../node-payload.js'
import type { ContainerMounts, Place } from './places.js'
import type { PlaceOutput } from './place-output.js'

const MOUNTINFO_BYTES = 8 << 20
/** Most paths of one place: about 300 bytes of memory each. */
export const MOST_ENTRIES = 200_000
/** Of a record of the list and a header of the tar. */
const ENTRY_BYTES = 70 << 10
const TAR_RECORD = 10_240
const NEWLINE = 0x0a

/** Exit statuses of templates/node/writable-mounts.sh. */
const CODES: Readonly<Record<number, ErrorCode>> = { 3: 'not-found', 5: 'target-changed', 7: 'stalled' }

/** What a running container has mounted. Throws `not-found` where the node has no such container. */
export async function readContainerMounts(
  context: CollectContext,
  session: NodeSession,
  script: string,
  container: { readonly name: string; readonly id: string },
): Promise<ContainerMounts> {
  const call = { name: 'writable-mounts', text: script, args: ['mounts', container.id] }
  const payload = nodePayload(context, session, call, MOUNTINFO_BYTES)
  const chunks: Buffer[] = []
  for await (const chunk of payload.bytes) chunks.push(chunk)
  requireWhole(await payload.end, CODES)
  const [first = '', ...lines] = Buffer.concat(chunks).toString('latin1').split('\n')
  const [, pid, startTime] = /^process (\d+) (\d+)$/.exec(first) ?? []
  if (pid === undefined || startTime === undefined) {
    throw new ImpoundError('integrity', 'the node did not say which process the container has')
  }
  return { name: container.name, pid, startTime, mounts: parseMountInfo(lines) }
}

export type Shortcoming = { readonly reason: CountedReason; readonly why: string }

/** Fills `output` from a place on the node. What is missing in the end is returned; throws what leaves nothing to keep. */
export async function takeOnNode(
  context: CollectContext,
  session: NodeSession,
  script: string,
  place: Place,
  way: Place['ways'][number],
  output: () => Promise<PlaceOutput>,
  startedAt: number,
): Promise<{ readonly output: PlaceOutput; readonly short: Shortcoming | undefined }> {
  const { maxContentBytes } = context.options
  const limits = [String(maxContentBytes), String(MOST_ENTRIES + 1)]
  const call = {
    name: 'writable-mounts',
    text: script,
    args: ['take', way.where, way.device, place.mode, ...limits],
  }
  const most = 2 * maxContentBytes + MOST_ENTRIES * ENTRY_BYTES
  const payload = nodePayload(context, session, call, most, (bytes) =>
    context.progress(`mount ${place.container} ${place.point}`, bytes),
  )
  const reader = new ByteReader(payload.bytes, 'what the node sends of a mount', most)
  let opened: PlaceOutput | undefined
  const taken = new Map<string, Taken>()
  const records: InodeRecord[] = []
  let broken: ImpoundError | undefined
  let isMore = false
  try {
    await expectLine(reader, 'impound-mounts v1')
    await expectLine(reader, 'list')
    opened = await output()
    for await (const { record } of readInodeRecords(reader)) {
      if (records.length < MOST_ENTRIES) records.push(record)
      else isMore = true
    }
    if (place.mode === 'content') {
      await expectLine(reader, 'content')
      for await (const entry of readTarWithin(reader, TAR_RECORD, { entries: MOST_ENTRIES + 1 })) {
        const key = pathKey(entry.header.path)
        const facts = factsOf(entry.header)
        if (key === undefined || facts === undefined || taken.has(key)) continue
        if (facts.type === 'file') {
          taken.set(key, { facts, content: 'cut' })
          const kept = await opened.keeper.keep(key, facts, entry)
          taken.set(key, { facts: { ...facts, sha256: kept.sha256 }, content: kept.content })
        } else if (facts.type === 'hardlink') {
          const first = taken.get(pathKey(entry.header.linkPath ?? Buffer.alloc(0)) ?? '')
          if (first === undefined) continue
          const link = pathKey(entry.header.linkPath ?? Buffer.alloc(0))
          if (first.content === 'kept') await opened.keeper.keepName(key, facts.type, { ...facts, link })
          taken.set(key, first)
        } else {
          if (facts.type === 'symlink') await opened.keeper.keepName(key, facts.type, facts)
          taken.set(key, { facts, content: undefined })
        }
      }
    }
    await expectLine(reader, 'end')
  } catch (error) {
    if (isCode(error, 'aborted', 'storage') || !(error instanceof ImpoundError)) {
      await opened?.abandon(error)
      throw error
    }
    broken = error
  } finally {
    await reader.close()
  }
  const end = await payload.end
  if (opened === undefined) {
    requireWhole(end, CODES)
    throw broken ?? new ImpoundError('cut', 'the node sent nothing of it')
  }
  let left = 0
  for (const record of records) {
    const found = taken.get(record.key)
    const content =
      record.type !== 'file' || place.mode === 'index' ? undefined : (found?.content ?? 'too-big')
    if (content === 'too-big') left += 1
    await opened.entry(record.key, documented(record, found?.facts), isRecent(record, startedAt), content)
  }
  if (context.run.signal.aborted) {
    const aborted = end.failure ?? new ImpoundError('aborted', 'interrupted while a mount was read')
    await opened.abandon(aborted)
    throw aborted
  }
  return {
    output: opened,
    short: shortcoming(end.failure ?? broken ?? problemOf(end), isMore, left, maxContentBytes),
  }
}

interface Taken {
  readonly facts: TreeFacts
  readonly content: DiffEntry['content']
}

async function expectLine(reader: ByteReader, wanted: string): Promise<void> {
  const line = (await upToByte(reader, NEWLINE)).toString('latin1').slice(0, -1)
  if (line !== wanted)
    throw new ImpoundError('integrity', 'what the node sends of a mount is not as our script writes it')
}

function problemOf(end: Parameters<typeof requireWhole>[0]): unknown {
  try {
    requireWhole(end, CODES)
    return undefined
  } catch (error) {
    return error
  }
}

function shortcoming(
  problem: unknown,
  isMore: boolean,
  left: number,
  bound: number,
): Shortcoming | undefined {
  if (problem instanceof ImpoundError) return { reason: REASON_OF[problem.code], why: problem.message }
  if (isMore)
    return {
      reason: 'too-big',
      why: `it has more than ${MOST_ENTRIES} paths: the others are not even listed`,
    }
  if (left === 0) return undefined
  return {
    reason: 'too-big',
    why: `${left} files are listed without their content: they did not fit into ${bound} bytes, or could not be read; executables and the newest came first`,
  }
}

/** stat's figures; link, digest and attributes as the tar has them. */
function documented(record: InodeRecord, tar: TreeFacts | undefined): FileFacts {
  const facts: TreeFacts = {
    type: record.type,
    mode: record.mode,
    uid: record.uid,
    gid: record.gid,
    size: record.size,
    mtime: record.mtime,
    atime: record.atime,
    ctime: record.ctime,
    link: tar?.type === 'symlink' ? tar.link : undefined,
    device: record.device,
    sha256: tar?.sha256,
    layer: undefined,
    implied: false,
    xattrs: tar?.xattrs,
  }
  return { ...fileFacts(facts), ino: record.inode, nlink: record.links, allocated: record.allocated }
}

function isRecent({ mtime, ctime }: InodeRecord, startedAt: number): boolean {
  return Math.max(mtime.seconds, ctime.seconds) >= startedAt
}
