import { createHash } from 'node:crypto'
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

import { ImpoundError } from '../model/errors.js'
import { decodeMember, encodeMember, type LayerMember, RECORD_LIMIT } from './layer-record.js'

/**
 * A file with what a layer holds, member by member, as its tar has them: a line that names the layer, records with their
 * length before them, a length of 0, their number, and the SHA-256 of all that went before.
 */
const FORMAT = 'impound-layer-index 1'
const BLOCK = 256 << 10
const HASH_BYTES = 32
/** What stands at the end: the length of 0, the number of records as a double, the hash. */
const END_BYTES = 4 + 8 + HASH_BYTES

function firstLine(diffId: string): Buffer {
  return Buffer.from(`${FORMAT} ${diffId}\n`, 'latin1')
}

/** Writes an index. Synchronous: it works in a thread of its own, or on a small layer. */
export class LayerIndexWriter {
  readonly #file: number
  readonly #hash = createHash('sha256')
  #pieces: Buffer[] = []
  #pending = 0
  #entries = 0

  /** `path` must not exist. Throws `storage`. */
  constructor(path: string, diffId: string) {
    this.#file = stored(() => openSync(path, 'wx', 0o600))
    this.#put(firstLine(diffId))
  }

  add(member: LayerMember): void {
    const record = encodeMember(member)
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32BE(record.length)
    this.#entries += 1
    this.#put(length)
    this.#put(record)
  }

  /** Writes the end and closes. */
  finish(): void {
    const end = Buffer.alloc(4 + 8)
    end.writeDoubleBE(this.#entries, 4)
    this.#put(end)
    this.#flush()
    this.#write(this.#hash.digest())
    this.close()
  }

  close(): void {
    stored(() => closeSync(this.#file))
  }

  #put(bytes: Buffer): void {
    this.#pieces.push(bytes)
    this.#pending += bytes.length
    if (this.#pending >= BLOCK) this.#flush()
  }

  #flush(): void {
    const block = Buffer.concat(this.#pieces, this.#pending)
    this.#pieces = []
    this.#pending = 0
    this.#hash.update(block)
    this.#write(block)
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += stored(() => writeSync(this.#file, bytes, at))
  }
}

function stored<Result>(write: () => Result): Result {
  try {
    return write()
  } catch (cause) {
    throw new ImpoundError('storage', 'the index of a layer can not be written', { cause })
  }
}

/** An index that was checked to be whole and ours. */
export interface LayerIndexFile {
  /** Its members, some at a time, in the order of the tar. Throws `integrity` for a record that is none. */
  members(): AsyncGenerator<readonly LayerMember[], void, undefined>
  close(): Promise<void>
}

/**
 * Opens an index and reads it through once to check it. Undefined where there is none, or one that is cut, changed, of another
 * layer, or that another user could have written: it is then as if it were not there.
 */
export async function openLayerIndex(
  path: string,
  diffId: string,
  owner: number | undefined,
): Promise<LayerIndexFile | undefined> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return undefined
  }
  const line = firstLine(diffId)
  const size = await wholeSize(file, line, owner).catch(() => undefined)
  if (size === undefined) {
    await file.close()
    return undefined
  }
  return {
    members: () => membersOf(file, line.length, size - END_BYTES),
    close: () => file.close(),
  }
}

/** The file's size where it is what it says; undefined where it is not. */
async function wholeSize(
  file: FileHandle,
  line: Buffer,
  owner: number | undefined,
): Promise<number | undefined> {
  const facts = await file.stat()
  const isOurs = owner === undefined || facts.uid === owner
  if (!facts.isFile() || !isOurs || (facts.mode & 0o022) !== 0) return undefined
  if (facts.size < line.length + END_BYTES) return undefined
  const hash = createHash('sha256')
  let isFirst = true
  for await (const block of blocksOf(file, 0, facts.size - HASH_BYTES)) {
    if (isFirst && !block.subarray(0, line.length).equals(line)) return undefined
    isFirst = false
    hash.update(block)
  }
  const stored = Buffer.alloc(HASH_BYTES)
  await file.read(stored, 0, HASH_BYTES, facts.size - HASH_BYTES)
  return stored.equals(hash.digest()) ? facts.size : undefined
}

async function* membersOf(
  file: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<readonly LayerMember[], void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const block of blocksOf(file, start, end)) {
    rest = rest.length === 0 ? block : Buffer.concat([rest, block])
    const members: LayerMember[] = []
    let at = 0
    while (rest.length - at >= 4) {
      const length = rest.readUInt32BE(at)
      if (length === 0 || length > RECORD_LIMIT) throw misfit()
      if (rest.length - at - 4 < length) break
      members.push(decodeMember(rest.subarray(at + 4, at + 4 + length)))
      at += 4 + length
    }
    rest = rest.subarray(at)
    yield members
  }
  if (rest.length > 0) throw misfit()
}

async function* blocksOf(
  file: FileHandle,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = start; at < end;) {
    const block = Buffer.allocUnsafe(Math.min(BLOCK, end - at))
    const { bytesRead } = await file.read(block, 0, block.length, at)
    if (bytesRead === 0) throw misfit()
    at += bytesRead
    yield block.subarray(0, bytesRead)
  }
}

function misfit(): ImpoundError {
  return new ImpoundError('integrity', 'the index of a layer is not what it was when it was checked')
}
