import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { ImpoundError } from '../model/errors.js'
import type { ArtefactRecord, LedgerRow, Source } from '../model/evidence.js'
import type { Clock } from '../model/ports/run-context.js'
import { isSafeSegment } from '../model/safe-segment.js'
import type { AcquisitionLog } from './acquisition-log.js'
import { ArtefactFile } from './artefact-file.js'
import { errnoOf, storageError } from './storage.js'

/** Opens a file that must not exist yet. Tests put a full disk here. */
export type OpenNew = (path: string) => Promise<FileHandle>

/** What is to be said of an artefact when it ends, beside how it ended. */
export type Note = () => string | undefined

export interface ArtefactFacts {
  /** Archive path: data/… */
  readonly path: string
  readonly collector: string
  readonly target?: string
  readonly source: Source
  /** What the ledger calls it; '' where it has no row. */
  readonly subject: string
  /** For what is no evidence and may be made again: takes the place of what stood there. */
  readonly replace?: boolean
  readonly note?: Note
}

/** Takes artefacts into the spool and their lines into the log; knows which are still open. */
export class ArtefactStore {
  readonly #root: string
  readonly #log: AcquisitionLog
  readonly #clock: Clock
  readonly #openNew: OpenNew
  readonly #taken: Set<string>
  readonly #open = new Set<ArtefactFile>()

  constructor(
    root: string,
    log: AcquisitionLog,
    clock: Clock,
    options: { readonly taken?: Iterable<string>; readonly openNew?: OpenNew } = {},
  ) {
    this.#root = root
    this.#log = log
    this.#clock = clock
    this.#taken = new Set(options.taken)
    this.#openNew = options.openNew ?? ((path) => open(path, 'wx', 0o600))
  }

  async open(facts: ArtefactFacts): Promise<ArtefactFile> {
    const { path } = facts
    if (facts.replace === true) await this.#clear(path)
    if (!path.startsWith('data/') || this.#taken.has(path)) throw notFree(path)
    this.#taken.add(path)
    const startedAt = this.#now()
    const handle = await this.#create(path)
    const file = new ArtefactFile(path, handle, async (received) => {
      this.#open.delete(file)
      const { sha256, bytes, ...how } = received
      const artefact: ArtefactRecord = {
        path,
        sha256,
        bytes,
        collector: facts.collector,
        ...(facts.target === undefined ? {} : { target: facts.target }),
        source: facts.source,
        ...how,
        ...withNote(how.detail, facts.note?.()),
        startedAt,
        endedAt: this.#now(),
      }
      const { subject } = facts
      await this.#log.append({ type: 'artefact', artefact, ...(subject === '' ? {} : { subject }) })
      return artefact
    })
    this.#open.add(file)
    return file
  }

  /** Takes back a file that nothing came for; its name is free again. */
  async remove(path: string, file: ArtefactFile): Promise<void> {
    this.#open.delete(file)
    await file.abandon()
    await this.#clear(path)
  }

  async outcome(row: LedgerRow): Promise<void> {
    await this.#log.append({ type: 'outcome', row })
  }

  /** Concludes what is still being received: what came until now is partial. */
  async interruptOpen(): Promise<void> {
    for (const file of [...this.#open]) await file.interrupt()
  }

  async #clear(path: string): Promise<void> {
    await rm(join(this.#root, path), { force: true })
    this.#taken.delete(path)
  }

  async #create(path: string): Promise<FileHandle> {
    const file = join(this.#root, path)
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      return await this.#openNew(file)
    } catch (error) {
      // on a disk that ignores case two names of ours may be one
      throw errnoOf(error) === 'EEXIST' ? notFree(path) : storageError(error, path)
    }
  }

  #now(): string {
    return this.#clock.now().toISOString()
  }
}

function withNote(detail: string | undefined, note: string | undefined): Pick<ArtefactRecord, 'detail'> {
  const words = [detail, note].filter((one) => one !== undefined)
  return words.length === 0 ? {} : { detail: words.join('; ') }
}

/** A path of safe segments, as collectors name their artefacts; throws `bug` for anything else. */
export function checkedName(name: string): string {
  if (name.split('/').every(isSafeSegment)) return name
  throw new ImpoundError('bug', `"${name}" is no name for an artefact`)
}

function notFree(path: string): ImpoundError {
  return new ImpoundError('bug', `two artefacts want to be ${path}`)
}
