import { ImpoundError } from '../../model/errors.js'
import { ScratchBuffer } from '../scratch-buffer.js'

/** Words of the script's own, or the bytes of one file. */
export type PieceKind = 'words' | 'file'

export type PieceEvent =
  | { readonly at: 'start'; readonly kind: PieceKind }
  | { readonly at: 'bytes'; readonly bytes: Buffer }
  /** `next` is undefined where the stream ended instead of a mark. */
  | { readonly at: 'end'; readonly next: PieceKind | undefined }

const HEADER = /^impound-processes v1 ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n/
const HEADER_BYTES = 58
const KIND_OF: Readonly<Record<number, PieceKind>> = { 0x64: 'words', 0x66: 'file' }

const UUID_BYTES = 36
const NEW_NONCE = /^nonce ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n/
const NEW_NONCE_BYTES = 'nonce '.length + UUID_BYTES + 1

/**
 * Pieces of a stream of templates/processes.sh, as they come; nothing of a piece is held but what may be the beginning of a
 * mark. Bytes are good until the next event is asked for: their memory is used again. Throws `target-refused` where the stream does not begin as that script begins.
 */
export async function* readPieces(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<PieceEvent, void, undefined> {
  const held = new ScratchBuffer()
  const pieces = new Pieces()
  for await (const chunk of source) {
    held.add(chunk)
    if (!pieces.begun) {
      if (held.length < HEADER_BYTES) continue
      const nonce = HEADER.exec(held.bytes.toString('latin1', 0, HEADER_BYTES))?.[1]
      if (nonce === undefined) throw notOurs()
      pieces.begin(nonce)
      held.drop(HEADER_BYTES)
    }
    held.drop(yield* pieces.take(held.bytes, false))
  }
  if (!pieces.begun) throw notOurs()
  yield* pieces.take(held.bytes, true)
}

class Pieces {
  #mark: Buffer = Buffer.alloc(0)
  #isOpen = false

  get begun(): boolean {
    return this.#mark.length > 0
  }

  begin(nonce: string): void {
    this.#mark = Buffer.from(`impound=${nonce}.`, 'latin1')
  }

  /** Tells what is sure, and returns how many bytes that are. */
  *take(held: Buffer, isLast: boolean): Generator<PieceEvent, number, undefined> {
    let from = 0
    for (let found = held.indexOf(this.#mark); found !== -1; found = held.indexOf(this.#mark, from)) {
      const end = found + this.#mark.length + 2
      const kind = held[end - 1] === 0 ? KIND_OF[held[end - 2] ?? 0] : undefined
      // A mark whose end, or whose new nonce, is still to come
      const needed = kind === 'words' ? end + NEW_NONCE_BYTES : end
      if (needed > held.length && !isLast) {
        yield* this.#bytes(held.subarray(from, found))
        return found
      }
      yield* this.#bytes(held.subarray(from, kind === undefined ? found + 1 : found))
      from = kind === undefined ? found + 1 : end
      if (kind === undefined) continue
      if (this.#isOpen) yield { at: 'end', next: kind }
      this.#isOpen = true
      yield { at: 'start', kind }
      const nonce = kind === 'words' && NEW_NONCE.exec(held.subarray(end, needed).toString('latin1'))?.[1]
      if (typeof nonce === 'string') this.begin(nonce)
    }
    const sure = isLast ? held.length : Math.max(from, held.length - this.#mark.length - 1)
    yield* this.#bytes(held.subarray(from, sure))
    if (isLast && this.#isOpen) yield { at: 'end', next: undefined }
    return sure
  }

  *#bytes(bytes: Buffer): Generator<PieceEvent, void, undefined> {
    if (this.#isOpen && bytes.length > 0) yield { at: 'bytes', bytes }
  }
}

function notOurs(): ImpoundError {
  return new ImpoundError('target-refused', 'what came is not what the script for processes writes')
}
