import { createHash } from 'node:crypto'

import { documentedPath } from '../../filesystem/path-key.js'
import { readTar, type TarEntry } from '../../formats/tar.js'
import type { CheckpointDocument, CheckpointPart } from '../../model/checkpoint-document.js'
import { ImpoundError, isCode, messageOf } from '../../model/errors.js'
import { asArray, asString, at } from '../../model/json.js'
import { inCircles } from '../../formats/criu/tasks.js'
import { REASON_OF } from '../../model/evidence.js'
import type { ArtefactWriter } from '../../model/ports/sink.js'
import { isReadImage, readCriuParts } from './criu-parts.js'
import { processesOf, socketsOf } from './join.js'
import { memberKey } from './member-key.js'
import { listRootfs } from './rootfs.js'

const MOST_PARTS = 5_000
const MOST_PROCESSES = 20_000
const MOST_SOCKETS = 20_000
const MOST_DELETED = 20_000
const MOST_ODD = 200
/** Of all that is held until the archive has come: it is hostile, and an image need not be small. */
const MOST_HELD = 64 << 20
const MOST_IMAGE = 16 << 20
const HELD = new Set(['config.dump', 'deleted.files'])

/** What was made of an archive. */
export type CheckpointReading = Omit<CheckpointDocument, 'schema' | 'derivedFrom' | 'container'>

/** Reads the archive of a checkpoint as it streams. `rootfs` opens where the lines of rootfs-diff.tar go. */
export class CheckpointArchive {
  readonly #parts: CheckpointPart[] = []
  readonly #held = new Map<string, Buffer>()
  readonly #notRead: CheckpointDocument['notRead'][number][] = []
  readonly #rootfs: () => Promise<ArtefactWriter>
  #partsMore = 0
  #heldBytes = 0
  #listed: CheckpointDocument['rootfs']

  constructor(rootfs: () => Promise<ArtefactWriter>) {
    this.#rootfs = rootfs
  }

  /** To the end of the source, whatever it is. Throws errors of the source and of local storage alone. */
  async read(source: AsyncIterable<Buffer>): Promise<void> {
    const chunks = source[Symbol.asyncIterator]()
    // left early it would end what comes, and that is to be kept to its end
    const unending: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => ({ next: () => chunks.next() }) }
    try {
      for await (const entry of readTar(unending)) await this.#member(entry)
    } catch (error) {
      if (isCode(error, 'storage', 'aborted') || !(error instanceof ImpoundError)) throw error
      this.#odd('the archive', error)
    }
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next());
  }

  reading(): CheckpointReading {
    const images = new Map([...this.#held].filter(([path]) => isReadImage(path)))
    const parts = readCriuParts(images, (part, error) => this.#odd(part, error))
    const circles = inCircles(parts.tasks)
    if (circles.length > 0) {
      const why = `processes that are their own ancestors: ${circles.slice(0, 20).join(', ')}`
      this.#odd('checkpoint/pstree.img', new ImpoundError('integrity', why))
    }
    const processes = processesOf(parts)
    const sockets = socketsOf(parts)
    const deleted = this.#deleted()
    const { freezingUs, frozenUs } = parts.stats ?? {}
    return {
      made: this.#made(),
      ...(freezingUs === undefined ? {} : { freezingUs }),
      ...(frozenUs === undefined ? {} : { frozenUs }),
      parts: this.#parts,
      partsMore: this.#partsMore,
      processes: processes.slice(0, MOST_PROCESSES),
      processesMore: Math.max(0, processes.length - MOST_PROCESSES),
      sockets: sockets.slice(0, MOST_SOCKETS),
      socketsMore: Math.max(0, sockets.length - MOST_SOCKETS),
      ...(this.#listed === undefined ? {} : { rootfs: this.#listed }),
      ...(deleted === undefined
        ? {}
        : {
            deletedFiles: deleted.slice(0, MOST_DELETED),
            deletedFilesMore: Math.max(0, deleted.length - MOST_DELETED),
          }),
      notRead: this.#notRead,
    }
  }

  async #member({ header, content }: TarEntry): Promise<void> {
    const key = memberKey(header.path)
    const hash = createHash('sha256')
    const pieces: Buffer[] = []
    const isHeld = this.#holds(key, header.size)
    const hashed = async function* (): AsyncGenerator<Buffer, void, undefined> {
      for await (const piece of content) {
        hash.update(piece)
        if (isHeld) pieces.push(Buffer.from(piece))
        yield piece
      }
    }
    const bytes = hashed()
    if (header.type === 'file' && key === 'rootfs-diff.tar' && this.#listed === undefined)
      await this.#list(bytes)
    while ((await bytes.next()).done !== true);
    if (isHeld) this.#held.set(key, Buffer.concat(pieces))
    if (this.#parts.length === MOST_PARTS) this.#partsMore += 1
    else
      this.#parts.push({
        ...documentedPath(key),
        type: header.type,
        size: header.sparse?.realSize ?? header.size,
        // of a file with holes it would be the hash of what is between them
        ...(header.type === 'file' && header.sparse === undefined ? { sha256: hash.digest('hex') } : {}),
      })
  }

  #holds(key: string, size: number): boolean {
    if (!isReadImage(key) && !HELD.has(key)) return false
    const fits = size <= MOST_IMAGE && this.#heldBytes + size <= MOST_HELD && !this.#held.has(key)
    if (fits) this.#heldBytes += size
    else
      this.#odd(key, new ImpoundError('too-big', `${size} bytes are more than are read, or it comes twice`))
    return fits
  }

  async #list(bytes: AsyncGenerator<Buffer, void, undefined>): Promise<void> {
    const writer = await this.#rootfs()
    const count = { entries: 0 }
    // the rest of a tar that can't be read is still to be hashed
    const unending: AsyncIterable<Buffer> = { [Symbol.asyncIterator]: () => ({ next: () => bytes.next() }) }
    try {
      await listRootfs(unending, writer, count)
      const { path } = await writer.end()
      this.#listed = { path, ...count, whole: true }
    } catch (error) {
      if (!(error instanceof ImpoundError)) throw error
      const { path } = await writer.partial(REASON_OF[error.code], error.message)
      this.#listed = { path, ...count, whole: false }
      if (isCode(error, 'storage', 'aborted')) throw error
      this.#odd('rootfs-diff.tar', error)
    }
  }

  /** Source: config.dump as CRI-O and containerd write it. */
  #made(): CheckpointDocument['made'] {
    const config = this.#json('config.dump')
    const text = (key: string): string | undefined => asString(at(config, key))?.slice(0, 1_000)
    const [runtime, image, time] = [
      text('runtime'),
      text('rootfsImageName') ?? text('rootfsImage'),
      text('checkpointedTime'),
    ]
    return {
      ...(runtime === undefined ? {} : { runtime }),
      ...(image === undefined ? {} : { image }),
      ...(time === undefined ? {} : { at: time }),
    }
  }

  #deleted(): readonly string[] | undefined {
    const list = this.#json('deleted.files')
    return list === undefined
      ? undefined
      : asArray(list).flatMap((one) => asString(one)?.slice(0, 4_096) ?? [])
  }

  #json(name: string): unknown {
    const bytes = this.#held.get(name)
    if (bytes === undefined) return undefined
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown
    } catch (error) {
      this.#odd(name, new ImpoundError('integrity', `it is no JSON: ${messageOf(error)}`.slice(0, 300)))
      return undefined
    }
  }

  #odd(part: string, error: unknown): void {
    if (!(error instanceof ImpoundError)) throw error
    if (this.#notRead.length > MOST_ODD) return
    if (this.#notRead.length === MOST_ODD) {
      this.#notRead.push({ part: '', reason: 'too-big', why: `there are more than the ${MOST_ODD} above` })
      return
    }
    this.#notRead.push({
      part: Buffer.from(part, 'latin1').toString('utf8').slice(0, 1_000),
      reason: REASON_OF[error.code],
      why: error.message.slice(0, 500),
    })
  }
}
