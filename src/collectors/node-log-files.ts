import type { LogFile } from '../model/log-documents.js'
import type { CollectContext } from '../model/collector.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { REASON_OF } from '../model/evidence.js'
import { byAge, podLogName } from '../model/pod-log-files.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import type { Sink } from '../model/ports/sink.js'
import { safeSegment } from '../model/safe-segment.js'
import type { Target } from '../model/target.js'
import { ByteReader } from '../formats/byte-reader.js'
import { readFindListing, foundTime, type FoundEntry } from '../formats/find-listing.js'
import { readTarWithin } from '../formats/tar.js'
import { documentedPath, pathKey } from '../filesystem/path-key.js'
import { keepLogFile } from './keep-log-file.js'
import { nodePayload, requireWhole } from './node-payload.js'

/** A kubelet keeps a few files of a few runs of each container. */
const MAX_FILES = 2_000
const LISTING_BYTES = 4 << 20
/** What the tar adds to a file's bytes, and fills up with. */
const TAR_BYTES = 64 << 10
/** templates/node/pod-logs.sh has tar write such records. */
const RECORD_BYTES = 64 << 10
/** Files can be rotated away under the reader again and again. */
const MOST_PASSES = 3

type Where = Pick<Target, 'namespace' | 'name' | 'uid'>

/** What lay in a pod's log directory on its node, and what was kept of it. */
export interface NodeLogFiles {
  /** The directory's name: <namespace>_<pod>_<uid>. */
  readonly directory: string
  readonly files: readonly LogFile[]
}

/** What lies in the directory but directories. */
interface Listing {
  readonly directory: string
  readonly entries: readonly FoundEntry[]
}

async function readListing(source: AsyncIterable<Uint8Array>): Promise<Listing> {
  const entries: FoundEntry[] = []
  for await (const entry of readFindListing(source, MAX_FILES)) entries.push(entry)
  const [own, ...files] = entries
  return { directory: own?.name ?? '', entries: files.filter(({ type }) => type !== 'd') }
}

/**
 * Every log file of the pod on its node, as it lies there. The kubelet may rotate, compress and remove files meanwhile: the directory is listed
 * before and after, and what is new or has another name by then is read in a next pass. Throws `not-found` where there is no directory.
 */
export async function readNodeLogFiles(
  context: CollectContext,
  session: NodeSession,
  target: Where,
  script: string,
  sink: Sink,
): Promise<NodeLogFiles> {
  const reader = new LogFileReader(context, session, target, script, sink)
  return reader.read()
}

class LogFileReader {
  readonly #context: CollectContext
  readonly #session: NodeSession
  readonly #target: Where
  readonly #script: string
  readonly #sink: Sink
  readonly #files: LogFile[] = []
  /** Inodes of which the bytes are here. */
  readonly #settled = new Set<string>()
  readonly #names = new Set<string>()
  readonly #bytesOf = new Map<string, number>()

  constructor(context: CollectContext, session: NodeSession, target: Where, script: string, sink: Sink) {
    this.#context = context
    this.#session = session
    this.#target = target
    this.#script = script
    this.#sink = sink
  }

  async read(): Promise<NodeLogFiles> {
    let { directory, entries } = await this.#list()
    const atFirst = entries
    for (const entry of entries)
      if (entry.type !== 'f' && entry.type !== 'd') await this.#leave(entry, strange(entry))
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      const due = await this.#within(
        entries.filter((entry) => entry.type === 'f' && !this.#settled.has(entry.inode)),
      )
      if (due.length === 0) break
      const { got, ...after } = await this.#take(due)
      const now = new Map(after.entries.map((entry) => [entry.name, entry.inode]))
      for (const entry of due)
        if (got.has(entry.name) && now.get(entry.name) === entry.inode) this.#settled.add(entry.inode)
      ;({ directory, entries } = after)
    }
    await this.#tellVanished(atFirst, entries)
    return { directory, files: this.#files.toSorted(byPlace) }
  }

  async #list(): Promise<Listing> {
    const payload = nodePayload(this.#context, this.#session, this.#call('list', []), LISTING_BYTES)
    const listing = await readListing(payload.bytes)
    requireWhole(await payload.end, { 3: 'not-found' })
    return listing
  }

  #call(action: 'list' | 'read', names: readonly string[]) {
    const { namespace, name, uid } = this.#target
    const place = namespace === '' || name === '' ? ['-', '-', uid] : [namespace, name, uid]
    return { name: 'pod-logs', text: this.#script, args: [action, ...place, ...names] }
  }

  /** Those that fit the bound on each container's log, newest first; of the others there is a row. In the order of reading: oldest first, for they go first. */
  async #within(entries: readonly FoundEntry[]): Promise<readonly FoundEntry[]> {
    const { maxLogBytes } = this.#context.options
    const fits: FoundEntry[] = []
    const tooBig: FoundEntry[] = []
    for (const entry of entries.toSorted(oldestFirst).toReversed()) {
      const container = containerOf(entry.name)
      const bytes = (this.#bytesOf.get(container) ?? 0) + entry.size
      if (bytes > maxLogBytes) tooBig.push(entry)
      else {
        this.#bytesOf.set(container, bytes)
        fits.push(entry)
      }
    }
    for (const entry of tooBig) {
      this.#settled.add(entry.inode)
      await this.#leave(
        entry,
        new ImpoundError(
          'too-big',
          `${entry.size} bytes: with what is newer more than ${maxLogBytes} bytes of one container's log`,
        ),
      )
    }
    return fits.toReversed()
  }

  /** The names of those that came whole, and what lay there after that. */
  async #take(due: readonly FoundEntry[]): Promise<Listing & { readonly got: ReadonlySet<string> }> {
    const byName = new Map(due.map((entry) => [entry.name, entry]))
    const got = new Set<string>()
    const most = due.reduce((sum, { size }) => sum + size + TAR_BYTES, TAR_BYTES) + LISTING_BYTES
    const names = due.map(({ name }) => Buffer.from(name, 'latin1').toString('utf8'))
    const payload = nodePayload(this.#context, this.#session, this.#call('read', names), 2 * most, (bytes) =>
      this.#context.progress('logs on the node', bytes),
    )
    const reader = new ByteReader(payload.bytes, 'what the node sends of the logs')
    let after: Listing = { directory: '', entries: [] }
    let broken: unknown
    try {
      for await (const { header, content } of readTarWithin(reader, RECORD_BYTES, { entries: MAX_FILES })) {
        const entry = byName.get(pathKey(header.path) ?? '')
        if (entry === undefined || header.type !== 'file' || got.has(entry.name)) continue
        const file = await keepLogFile(this.#sink, this.#context, {
          ...this.#describe(entry),
          artefact: this.#artefactOf(entry.name),
          subject: this.#subjectOf(entry.name),
          request: `node ${this.#session.node}: sh -c (templates/node/pod-logs.sh) impound-pod-logs read`,
          content,
        })
        this.#files.push(file)
        if (file.kept === 'whole') got.add(entry.name)
      }
      after = await readListing(reader.rest())
    } catch (error) {
      if (isCode(error, 'aborted', 'storage') || !(error instanceof ImpoundError)) throw error
      broken = error
    } finally {
      await reader.close()
    }
    const end = await payload.end
    if (this.#context.run.signal.aborted)
      throw end.failure ?? new ImpoundError('aborted', 'interrupted while logs were read')
    const { run } = end
    // a cut tar is the consequence, what ended the script is why
    if (run !== undefined && run.exitCode !== 0 && run.exitCode !== 1) requireWhole(end, { 3: 'not-found' })
    if (end.failure !== undefined || broken !== undefined) throw end.failure ?? broken
    if (run?.complete === false)
      await this.#sink.failed(
        'logs on the node',
        new ImpoundError('cut', 'the node did not count as many bytes as arrived'),
      )
    for (const line of (run?.stderr ?? '').split('\n')) {
      const shrunk = /^tar: \.\/(.*): File shrank by (\d+) bytes; padding with zeros$/.exec(line)
      if (shrunk !== null)
        await this.#sink.failed(
          `logs ${shrunk[1] ?? ''}`,
          new ImpoundError(
            'cut',
            `the file lost ${shrunk[2] ?? ''} bytes while it was read: as many zeros at its end are not its own`,
          ),
        )
    }
    return { ...after, got }
  }

  /** What was there at first, and is neither here nor there under another name. */
  async #tellVanished(atFirst: readonly FoundEntry[], atLast: readonly FoundEntry[]): Promise<void> {
    const there = new Set(atLast.map(({ inode }) => inode))
    const names = new Set(atLast.map(({ name }) => name))
    for (const entry of atFirst) {
      if (entry.type !== 'f' || this.#settled.has(entry.inode) || there.has(entry.inode)) continue
      if (this.#files.some((file) => file.name === shown(entry.name) && file.kept !== 'no')) continue
      // the kubelet compressed it: the same lines are in the file with .gz
      if (names.has(`${entry.name}.gz`)) continue
      await this.#leave(entry, new ImpoundError('not-found', 'it was removed while the logs were read'))
    }
    for (const entry of atLast) {
      if (entry.type !== 'f' || this.#settled.has(entry.inode)) continue
      if (this.#files.some((file) => file.name === shown(entry.name) && file.kept !== 'no')) continue
      await this.#leave(
        entry,
        new ImpoundError('cut', 'it was rotated again and again while the logs were read'),
      )
    }
  }

  async #leave(entry: FoundEntry, error: ImpoundError): Promise<void> {
    this.#files.push({
      ...this.#describe(entry),
      kept: 'no',
      why: error.message,
      reason: REASON_OF[error.code],
    })
    await this.#sink.failed(this.#subjectOf(entry.name), error)
  }

  #describe(entry: FoundEntry): Omit<LogFile, 'kept'> {
    const known = podLogName(entry.name.split('\t')[0] ?? '')
    const mtime = foundTime(entry.mtime)
    return {
      container: shown(containerOf(entry.name)),
      name: shown(entry.name),
      ...(known === undefined ? {} : { run: known.run, compressed: known.compressed }),
      ...(known?.rotated === undefined ? {} : { rotated: known.rotated }),
      bytes: entry.size,
      ...(mtime === undefined ? {} : { mtime }),
    }
  }

  #subjectOf(name: string): string {
    return `logs ${shown(name.split('\t')[0] ?? '')}`
  }

  /** A name in the archive that no other file of this run has. */
  #artefactOf(name: string): string {
    const file = name.slice(name.lastIndexOf('/') + 1)
    const base = `logs/${safeSegment(shown(containerOf(name)))}/rotated-${safeSegment(shown(file))}`
    let artefact = base
    for (let again = 2; this.#names.has(artefact); again += 1) artefact = `${base}.read-${again}`
    this.#names.add(artefact)
    return artefact
  }
}

function containerOf(name: string): string {
  return name.includes('/') ? name.slice(0, name.indexOf('/')) : ''
}

/** A name as documents have it: without the slash that a path has. */
function shown(name: string): string {
  return documentedPath(name).path.slice(1)
}

function strange({ type }: FoundEntry): ImpoundError {
  return type === 'l'
    ? new ImpoundError('unsupported', 'a symlink, as Docker makes them: what it leads to is not read')
    : new ImpoundError('unsupported', 'no regular file: it is not opened')
}

function oldestFirst(a: FoundEntry, b: FoundEntry): number {
  const [left, right] = [podLogName(a.name), podLogName(b.name)]
  if (left !== undefined && right !== undefined) return byAge(left, right)
  return Number(left === undefined) - Number(right === undefined) || (a.name < b.name ? -1 : 1)
}

function byPlace(a: LogFile, b: LogFile): number {
  const [left, right] = [podLogName(a.name), podLogName(b.name)]
  if (left !== undefined && right !== undefined)
    return byAge(left, right) || (a.path ?? '').localeCompare(b.path ?? '')
  return a.name < b.name ? -1 : 1
}
