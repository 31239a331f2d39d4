import { bodyfileLine } from '../../filesystem/bodyfile.js'
import { ContentKeeper } from '../../filesystem/content-keeper.js'
import { ContentTar } from '../../filesystem/content-tar.js'
import { documentedPath } from '../../filesystem/path-key.js'
import type { DiffEntry, FileFacts } from '../../model/filesystem-documents.js'
import { messageOf } from '../../model/errors.js'
import type { CountedReason, Source } from '../../model/evidence.js'
import type { MountTaken } from '../../model/mounts-document.js'
import type { ArtefactWriter, Sink } from '../../model/ports/sink.js'
import { safeSegment } from '../../model/safe-segment.js'
import type { Place } from './places.js'

const MOST_NOTABLE = 20

type Tally = Pick<MountTaken, 'entries' | 'files' | 'executables' | 'bytes' | 'allocated' | 'notable'>

/** What is written of one place: listing.jsonl, bodyfile and, where content is wanted, content.tar. */
export class PlaceOutput {
  readonly artefacts: string[] = []
  readonly keeper: ContentKeeper
  readonly #tar: ContentTar
  readonly #writers: readonly [listing: ArtefactWriter, bodyfile: ArtefactWriter, content?: ArtefactWriter]
  #tally: Tally = { entries: 0, files: 0, executables: 0, bytes: 0, allocated: 0, notable: [] }
  #kept = 0

  private constructor(
    writers: readonly [ArtefactWriter, ArtefactWriter, ArtefactWriter?],
    maxBytes: number,
    scratchDirectory: string,
  ) {
    this.#writers = writers
    this.#tar = new ContentTar((chunk) => writers[2]?.write(chunk) ?? Promise.resolve())
    this.keeper = new ContentKeeper(this.#tar, maxBytes, scratchDirectory)
  }

  static async open(
    sink: Sink,
    place: Place,
    source: Source,
    maxBytes: number,
    scratchDirectory: string,
  ): Promise<PlaceOutput> {
    const name = place.volume ?? (place.point.replace(/^\//, '').replaceAll('/', '_') || 'root')
    const directory = `mounts/${safeSegment(place.container)}/${safeSegment(name)}`
    const derived: Source = { ...source, kind: 'derived', mediaType: 'application/jsonl' }
    const subject = `mount ${place.container} ${place.point}`
    const listing = await sink.open(`${directory}/listing.jsonl`, derived, subject)
    const bodyfile = await sink.open(`${directory}/bodyfile`, { ...derived, mediaType: 'text/plain' }, '')
    const content =
      place.mode === 'content'
        ? await sink.open(`${directory}/content.tar`, source, `${subject} content`)
        : undefined
    return new PlaceOutput(
      content === undefined ? [listing, bodyfile] : [listing, bodyfile, content],
      maxBytes,
      scratchDirectory,
    )
  }

  /** `recent`: whether it is no older than the container. */
  async entry(key: string, facts: FileFacts, recent: boolean, content: DiffEntry['content']): Promise<void> {
    const path = documentedPath(key)
    const line = { ...path, facts, recent, ...(content === undefined ? {} : { content }) }
    await this.#writers[0].write(`${JSON.stringify(line)}\n`)
    await this.#writers[1].write(bodyfileLine(path, facts, false))
    const isFile = facts.type === 'file'
    const isExecutable = isFile && (Number.parseInt(facts.mode, 8) & 0o111) !== 0
    if (content === 'kept') this.#kept += 1
    const before = this.#tally
    this.#tally = {
      entries: before.entries + 1,
      files: before.files + Number(isFile),
      executables: before.executables + Number(isExecutable),
      bytes: before.bytes + (isFile ? facts.size : 0),
      allocated: before.allocated + (isFile ? (facts.allocated ?? 0) : 0),
      notable: isFile ? foremost(before.notable, noted(path.path, facts)) : before.notable,
    }
  }

  /** Ends what is written; `short` says what is missing. */
  async end(
    short: { readonly reason: CountedReason; readonly why: string } | undefined,
  ): Promise<Tally & Pick<MountTaken, 'kept'>> {
    await this.keeper.close()
    if (short === undefined) await this.#tar.finish()
    for (const writer of this.#writers) {
      const record =
        short === undefined ? await writer?.end() : await writer?.partial(short.reason, short.why)
      if (record !== undefined) this.artefacts.push(record.path)
    }
    return { ...this.#tally, kept: { files: this.#kept, bytes: this.keeper.keptBytes } }
  }

  /** Keeps what there is, marked as failed, before a fault travels on. */
  async abandon(error: unknown): Promise<void> {
    await this.keeper.close()
    for (const writer of this.#writers)
      await writer?.partial('failed', messageOf(error)).catch(() => undefined)
  }
}

type Notable = MountTaken['notable'][number]

function noted(path: string, { size, mode, ctime, mtime, sha256 }: FileFacts): Notable {
  return { path, size, mode, ctime: ctime ?? mtime, ...(sha256 === undefined ? {} : { sha256 }) }
}

function foremost(all: readonly Notable[], one: Notable): readonly Notable[] {
  const last = all.at(-1)
  if (all.length >= MOST_NOTABLE && last !== undefined && byNotability(one, last) >= 0) return all
  return [...all, one].sort(byNotability).slice(0, MOST_NOTABLE)
}

/** Executables first, then the newest. */
function byNotability(a: Notable, b: Notable): number {
  const runs = ({ mode }: Notable): number => Number((Number.parseInt(mode, 8) & 0o111) !== 0)
  return runs(b) - runs(a) || (b.ctime ?? '').localeCompare(a.ctime ?? '') || (a.path < b.path ? -1 : 1)
}
