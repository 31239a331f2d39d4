import { pathKey } from '../filesystem/path-key.js'
import { readTar } from '../formats/tar.js'
import type { CollectContext, Collector } from '../model/collector.js'
import { ImpoundError, isCode } from '../model/errors.js'
import { REASON_OF, type Source } from '../model/evidence.js'
import { asArray, asString, at } from '../model/json.js'
import type { NodeTriageDocument, TriageContainer, TriageFile } from '../model/node-triage-document.js'
import type { NodeSession } from '../model/ports/node-pod.js'
import type { Sink } from '../model/ports/sink.js'
import type { Target } from '../model/target.js'
import { foundTime } from '../formats/find-listing.js'
import { nodePayload, requireWhole } from './node-payload.js'
import { diskSnapshot } from './triage/disk-snapshot.js'
import { containerFrom, idOfState, MOST_STATE_BYTES } from './triage/runtime-state.js'
import { type ListedFile, parseTriageListing, TRIAGE_KINDS } from './triage/triage-listing.js'

const LISTING_BYTES = 16 << 20
/** Paths stand in the address of the exec. */
const MOST_PATHS_BYTES = 12 << 10
const TAR_BYTES = 64 << 10
const MOST_DOCUMENTED = 2_000
/** Before the pod was made: whoever made it may have been at the node. */
const LEAD_MS = 60 * 60 * 1000

/**
 * What tells whether an intruder left the pod for its node: journals and logs since shortly before the pod was made, units that are
 * younger, static pods, cron, SSH keys, and the containers that the runtime and the kernel know. Nothing of the node is run.
 */
export function createNodeTriageCollector(script: string): Collector {
  return {
    name: 'node-triage',
    summary: 'the node itself: journals, static pods, cron, new units, SSH keys, containers by runtime',
    phases: ['slow'],
    requirements: () => ({
      access: [
        { verb: 'get', group: '', resource: 'nodes' },
        { verb: 'list', group: '', resource: 'pods' },
      ],
      impact: 'node',
    }),
    async collect(context, target, sink) {
      const node = target.pod.spec?.nodeName ?? ''
      if (!context.options.allow.has('node')) {
        await sink.skip('node-triage', 'not-allowed', '--allow node would read it')
        return
      }
      const session = await context.nodePods.on(node, context.run.signal)
      await new Triage(context, target, session, script, sink).take()
    },
  }
}

class Triage {
  readonly #context: CollectContext
  readonly #target: Target
  readonly #session: NodeSession
  readonly #script: string
  readonly #sink: Sink
  readonly #derivedFrom: string[] = []
  readonly #containers = new Map<string, Omit<TriageContainer, 'processes' | 'inApi'>>()

  constructor(context: CollectContext, target: Target, session: NodeSession, script: string, sink: Sink) {
    this.#context = context
    this.#target = target
    this.#session = session
    this.#script = script
    this.#sink = sink
  }

  async take(): Promise<void> {
    const since = this.#since()
    const chunks: Buffer[] = []
    const seconds = String(Math.floor(since.getTime() / 1000))
    const payload = nodePayload(this.#context, this.#session, this.#call('list', [seconds]), LISTING_BYTES)
    for await (const chunk of payload.bytes) chunks.push(chunk)
    requireWhole(await payload.end)
    const { files, processes } = await parseTriageListing(Buffer.concat(chunks))
    const { due, tooBig } = this.#fitting(files)
    const kept = new Map<string, TriageFile['kept']>()
    let part = 0
    for (const paths of batches(due))
      for (const [path, how] of await this.#read(paths, (part += 1))) kept.set(path, how)
    const documented = files.toSorted(byKind).slice(0, MOST_DOCUMENTED)
    const inApi = await this.#knownToApi()
    for (const id of processes.keys()) if (!this.#containers.has(id)) this.#containers.set(id, { id })
    const containers = [...this.#containers.values()]
      .map((container) => ({
        ...container,
        processes: processes.get(container.id) ?? 0,
        ...(inApi === undefined ? {} : { inApi: inApi(container) }),
      }))
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const snapshot = diskSnapshot(await this.#providerID(), this.#target.name)
    const document: NodeTriageDocument = {
      schema: 'impound/node-triage/v1',
      derivedFrom: this.#derivedFrom,
      node: this.#session.node,
      since: since.toISOString(),
      files: documented.map((file) => describe(file, kept.get(file.path) ?? 'no', tooBig.has(file.path))),
      filesMore: files.length - documented.length,
      containers: containers.slice(0, MOST_DOCUMENTED),
      containersMore: Math.max(0, containers.length - MOST_DOCUMENTED),
      absent: TRIAGE_KINDS.filter((kind) => !files.some((file) => file.kind === kind)),
      ...(snapshot === undefined ? {} : { diskSnapshot: snapshot }),
    }
    const source: Source = {
      kind: 'derived',
      mediaType: 'application/json',
      trust: 'node-kernel',
      derivedFrom: this.#derivedFrom,
    }
    await this.#sink.document('node-triage.json', document, source, 'node-triage')
  }

  #call(action: string, args: readonly string[]) {
    return { name: 'triage', text: this.#script, args: [action, ...args] }
  }

  #since(): Date {
    const made = Date.parse(this.#target.pod.metadata?.creationTimestamp ?? '')
    return new Date((Number.isNaN(made) ? this.#context.run.clock.now().getTime() : made) - LEAD_MS)
  }

  /** What tells most first, and of logs the newest, until the bound on content is reached. */
  #fitting(files: readonly ListedFile[]): { due: readonly ListedFile[]; tooBig: ReadonlySet<string> } {
    const due: ListedFile[] = []
    const tooBig = new Set<string>()
    let bytes = 0
    for (const file of files.toSorted(byKind)) {
      if (file.entry.type !== 'f') continue
      const isState = file.kind === 'container' && file.entry.size > MOST_STATE_BYTES
      if (isState || bytes + file.entry.size > this.#context.options.maxContentBytes) tooBig.add(file.path)
      else {
        bytes += file.entry.size
        due.push(file)
      }
    }
    return { due, tooBig }
  }

  /** A tar of these, kept as it came; what of them is in it. */
  async #read(due: readonly ListedFile[], part: number): Promise<ReadonlyMap<string, TriageFile['kept']>> {
    const byPath = new Map(due.map((file) => [pathKey(Buffer.from(file.path, 'latin1')), file]))
    const kept = new Map<string, TriageFile['kept']>()
    const most = due.reduce((sum, { entry }) => sum + entry.size + TAR_BYTES, TAR_BYTES)
    const paths = due.map(({ path }) => Buffer.from(path, 'latin1').toString('utf8'))
    const payload = nodePayload(this.#context, this.#session, this.#call('read', paths), 2 * most, (bytes) =>
      this.#context.progress('node-triage', bytes),
    )
    const record = await this.#sink.attempt(
      `node-triage/files-${part}.tar`,
      {
        kind: 'stream',
        mediaType: 'application/x-tar',
        trust: 'node-kernel',
        request: `node ${this.#session.node}: sh -c (templates/node/triage.sh) impound-triage read`,
      },
      `node-triage files ${part}`,
      async (writer) => {
        let broken: unknown
        try {
          for await (const { header, content } of readTar(
            tee(payload.bytes, (chunk) => writer.write(chunk)),
          )) {
            const file = byPath.get(pathKey(header.path))
            if (file === undefined || header.type !== 'file') continue
            kept.set(file.path, 'cut')
            const pieces: Buffer[] = []
            for await (const piece of content) if (file.kind === 'container') pieces.push(Buffer.from(piece))
            kept.set(file.path, 'whole')
            this.#note(file, Buffer.concat(pieces))
          }
        } catch (error) {
          if (isCode(error, 'aborted', 'storage') || !(error instanceof ImpoundError)) throw error
          broken = error
        }
        const end = await payload.end
        if (end.failure !== undefined || broken !== undefined) throw end.failure ?? broken
        // 1: tar could not read one of them, which its absence tells
        if (end.run?.exitCode !== 1) requireWhole(end)
      },
    )
    if (record !== undefined) this.#derivedFrom.push(record.path)
    return kept
  }

  #note({ kind, path }: ListedFile, content: Buffer): void {
    const id = kind === 'container' ? idOfState(path) : undefined
    if (id !== undefined) this.#containers.set(id, containerFrom(id, path, content))
  }

  /** Whether a pod that the API has on this node explains a container; undefined where pods can't be listed. */
  async #knownToApi(): Promise<((container: Omit<TriageContainer, 'processes'>) => boolean) | undefined> {
    const pages = await this.#softly(() =>
      this.#context.api.list(
        { group: '', version: 'v1', resource: 'pods' },
        { fieldSelector: `spec.nodeName=${this.#session.node}` },
      ),
    )
    if (pages === undefined) return undefined
    const pods = pages.flatMap(({ json }) => asArray(at(json, 'items')))
    this.#derivedFrom.push(...pages.map(({ artefact }) => artefact))
    const uids = new Set(pods.flatMap((pod) => asString(at(pod, 'metadata', 'uid')) ?? []))
    const ids = new Set(
      pods.flatMap((pod) =>
        ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses']
          .flatMap((key) => asArray(at(pod, 'status', key)))
          .flatMap((status) => [
            asString(at(status, 'containerID')),
            asString(at(status, 'lastState', 'terminated', 'containerID')),
          ])
          .map((id) => id?.replace(/^.*:\/\//, '') ?? ''),
      ),
    )
    return ({ id, type, podUid }) =>
      ids.has(id) || (podUid !== undefined && uids.has(podUid) && type !== 'container')
  }

  async #providerID(): Promise<string | undefined> {
    const read = await this.#softly(() =>
      this.#context.api.get({ group: '', version: 'v1', resource: 'nodes', name: this.#session.node }),
    )
    return asString(at(read?.json, 'spec', 'providerID'))
  }

  async #softly<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await ask()
    } catch (error) {
      if (isCode(error, 'aborted', 'storage') || this.#context.run.signal.aborted) throw error
      return undefined
    }
  }
}

function describe(
  { kind, path, entry, link }: ListedFile,
  kept: TriageFile['kept'],
  tooBig: boolean,
): TriageFile {
  const text = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')
  const [mtime, ctime] = [foundTime(entry.mtime), foundTime(entry.ctime)]
  return {
    kind,
    path: text(path),
    size: entry.size,
    mode: entry.mode.padStart(4, '0'),
    uid: entry.uid,
    ...(mtime === undefined ? {} : { mtime }),
    ...(ctime === undefined ? {} : { ctime }),
    ...(link === undefined ? {} : { link: text(link) }),
    kept,
    ...(kept !== 'no' || entry.type !== 'f'
      ? {}
      : tooBig
        ? { reason: REASON_OF['too-big'], why: 'it did not fit into the bound on content' }
        : {
            reason: REASON_OF['not-found'],
            why: 'it was gone, or could not be read, when it was to be copied',
          }),
  }
}

function byKind(a: ListedFile, b: ListedFile): number {
  return (
    TRIAGE_KINDS.indexOf(a.kind) - TRIAGE_KINDS.indexOf(b.kind) ||
    Number(b.entry.mtime) - Number(a.entry.mtime) ||
    (a.path < b.path ? -1 : 1)
  )
}

function* batches(files: readonly ListedFile[]): Generator<readonly ListedFile[], void, undefined> {
  let batch: ListedFile[] = []
  let bytes = 0
  for (const file of files) {
    // in an address every byte may become three
    const length = 3 * file.path.length
    if (bytes + length > MOST_PATHS_BYTES && batch.length > 0) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += length
  }
  if (batch.length > 0) yield batch
}

async function* tee(
  source: AsyncIterable<Buffer>,
  write: (chunk: Buffer) => Promise<void>,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of source) {
    await write(chunk)
    yield chunk
  }
}
