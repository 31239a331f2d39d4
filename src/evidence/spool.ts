import { createReadStream } from 'node:fs'
import { mkdir, readFile, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import type { ArtefactRecord, LedgerRow, Source } from '../model/evidence.js'
import type { Journal } from '../model/ports/kube-writer.js'
import type { Clock } from '../model/ports/run-context.js'
import type { Sink } from '../model/ports/sink.js'
import type { Scene } from '../model/scene.js'
import { ChainedLog, EMPTY_CHAIN, journalOf, type AcquisitionLog } from './acquisition-log.js'
import { ArtefactStore, checkedName, type Note, type OpenNew } from './artefact-store.js'
import { CollectorSink } from './collector-sink.js'
import { LineFile } from './line-file.js'
import { checkedOwnName } from './names.js'
import { Projection } from './projection.js'
import { exists, flush, storageError } from './storage.js'

export const LOG_FILE = 'acquisition.jsonl'
/** Derived documents that a later collector asks for are far smaller; a bigger one is not held in memory. */
const READ_BYTES = 128 << 10
const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
/** Less than this and a run is not begun: it would lose evidence minutes later. */
const MIN_FREE_BYTES = 64 * 1024 * 1024

/**
 * A run's evidence on its way: `<name>.partial/`, which holds the bag's tree from the first byte on. Artefacts are hashed as
 * they are received; what became of each stands in the acquisition log, of which index and ledger are projections.
 */
export interface Spool {
  readonly directory: string
  /** The archive's name, without an extension. */
  readonly name: string
  readonly scene: Scene
  readonly clock: Clock
  readonly log: AcquisitionLog
  /** Into the log; {@link journalInto} joins it with others. */
  readonly journal: Journal
  /** For what belongs to the whole case: below data/. */
  caseSink(collector: string): Sink
  /** For what belongs to a target: below data/targets/<directory>/, see targetDirectory. */
  targetSink(target: { readonly directory: string }, collector: string, note?: Note): Sink
  /** A derived JSON document that was kept, by its archive path. Throws `not-found`, `too-big`. */
  readDocument(path: string): Promise<unknown>
  /** What was kept of any artefact, by its archive path. Throws `not-found`, `storage`. */
  readContent(path: string): AsyncGenerator<Buffer, void, undefined>
  readonly ledger: () => readonly LedgerRow[]
  readonly index: () => readonly ArtefactRecord[]
  /**
   * data/automatic/<name>: what the tool made of the evidence, at the time. In the index, marked by its collector `automatic` and
   * its trust. Replaces an earlier attempt's, as it is no evidence.
   */
  putAutomatic(name: string, text: string): Promise<void>
  /** Concludes what is still being received as partial: interrupted. */
  interruptOpen(): Promise<void>
  /** Flushes and closes the log. Nothing can be written any more. */
  close(): Promise<void>
}

export interface SpoolOptions {
  readonly outputDirectory: string
  readonly name: string
  readonly clock: Clock
  readonly scene: Scene
  /** How artefact files are opened; for tests of a failing disk. */
  readonly openNew?: OpenNew
}

/**
 * Begins a spool: line 0 of the log and data/scene.json. Throws `usage` where a run of that name is there already, `storage`
 * where the directory can't be written or has next to no space left.
 */
export async function createSpool(options: SpoolOptions): Promise<Spool> {
  const { outputDirectory, name, scene, clock } = options
  const directory = join(outputDirectory, `${checkedOwnName(name)}.partial`)
  try {
    await mkdir(outputDirectory, { recursive: true, mode: 0o700 })
    await refuseTaken(outputDirectory, name)
    await refuseFull(outputDirectory)
    await mkdir(directory, { mode: 0o700 })
    await mkdir(join(directory, 'data'), { mode: 0o700 })
  } catch (error) {
    throw storageError(error, directory)
  }
  const projection = new Projection()
  const file = await LineFile.create(join(directory, LOG_FILE))
  const log = new ChainedLog(file, EMPTY_CHAIN, clock, (line) => projection.observe(line))
  const store = new ArtefactStore(directory, log, clock, options)
  const spool = new SpoolDirectory({ directory, name, scene, clock, log, store, projection })
  try {
    await begin(spool, store)
    await flush(directory)
    await flush(outputDirectory)
  } catch (error) {
    // nothing of the cluster's is in it yet
    await spool.interruptOpen().catch(() => undefined)
    await spool.close().catch(() => undefined)
    await rm(directory, { recursive: true, force: true })
    throw storageError(error, directory)
  }
  return spool
}

async function begin(spool: Spool, store: ArtefactStore): Promise<void> {
  const { scene } = spool
  await spool.log.appendDurably({ type: 'scene', scene })
  const source: Source = { kind: 'derived', mediaType: 'application/json', trust: 'tool' }
  await new CollectorSink(store, 'scene').document('scene.json', scene, source, 'scene')
}

/** What a spool is made of, whether it was just begun or taken up again. */
export interface SpoolParts {
  readonly directory: string
  readonly name: string
  readonly scene: Scene
  readonly clock: Clock
  readonly log: ChainedLog
  readonly store: ArtefactStore
  readonly projection: Projection
}

export class SpoolDirectory implements Spool {
  readonly directory: string
  readonly name: string
  readonly scene: Scene
  readonly clock: Clock
  readonly log: ChainedLog
  readonly journal: Journal
  readonly #store: ArtefactStore
  readonly #projection: Projection

  constructor(parts: SpoolParts) {
    this.directory = parts.directory
    this.name = parts.name
    this.scene = parts.scene
    this.clock = parts.clock
    this.log = parts.log
    this.journal = journalOf(parts.log)
    this.#store = parts.store
    this.#projection = parts.projection
  }

  readonly ledger = (): readonly LedgerRow[] => this.#projection.ledger()
  readonly index = (): readonly ArtefactRecord[] => this.#projection.index()

  caseSink(collector: string): Sink {
    return new CollectorSink(this.#store, collector)
  }

  targetSink(target: { readonly directory: string }, collector: string, note?: Note): Sink {
    return new CollectorSink(this.#store, collector, checkedOwnName(target.directory), note)
  }

  async readDocument(path: string): Promise<unknown> {
    const record = this.#projection.artefact(path)
    if (record === undefined) throw new ImpoundError('not-found', `${path} was not collected`)
    if (record.bytes > MAX_DOCUMENT_BYTES) {
      throw new ImpoundError('too-big', `${path} has ${record.bytes} bytes, too many to hold`)
    }
    return JSON.parse(await readFile(join(this.directory, path), 'utf8')) as unknown
  }

  async *readContent(path: string): AsyncGenerator<Buffer, void, undefined> {
    if (this.#projection.artefact(path) === undefined)
      throw new ImpoundError('not-found', `${path} was not collected`)
    try {
      yield* createReadStream(join(this.directory, path), {
        highWaterMark: READ_BYTES,
      }) as AsyncIterable<Buffer>
    } catch (error) {
      throw storageError(error, path)
    }
  }

  async putAutomatic(name: string, text: string): Promise<void> {
    const path = `data/automatic/${checkedName(name)}`
    const source: Source = { kind: 'derived', mediaType: mediaTypeOf(name), trust: 'tool' }
    const file = await this.#store.open({ path, collector: 'automatic', source, subject: '', replace: true })
    await file.write(text)
    await file.end()
  }

  async interruptOpen(): Promise<void> {
    await this.#store.interruptOpen()
  }

  async close(): Promise<void> {
    await this.log.close()
  }
}

const MEDIA_TYPES: readonly (readonly [string, string])[] = [
  ['.jsonl', 'application/x-ndjson'],
  ['.json', 'application/json'],
  ['.md', 'text/markdown'],
  ['.html', 'text/html'],
]

function mediaTypeOf(name: string): string {
  return MEDIA_TYPES.find(([ending]) => name.endsWith(ending))?.[1] ?? 'text/plain'
}

async function refuseTaken(outputDirectory: string, name: string): Promise<void> {
  for (const ending of ['.partial', '.tar.gz']) {
    const path = join(outputDirectory, `${name}${ending}`)
    if (await exists(path)) {
      throw new ImpoundError('usage', `${path} is there already`, {
        hints: ['another run of this case began in the same second: try again, or choose -o DIR'],
      })
    }
  }
}

async function refuseFull(directory: string): Promise<void> {
  const free = await freeBytes(directory)
  if (free !== undefined && free < MIN_FREE_BYTES) {
    throw new ImpoundError('storage', `${directory} has ${Math.floor(free / 1024 / 1024)} MiB left`, {
      hints: ['free some space, or choose another place: -o DIR'],
    })
  }
}

/** Bytes that we may still write there; undefined where the file system doesn't say. For the plan's "free" too. */
export async function freeBytes(directory: string): Promise<number | undefined> {
  const space = await statfs(directory).catch(() => undefined)
  return space === undefined || space.blocks === 0 ? undefined : space.bavail * space.bsize
}
