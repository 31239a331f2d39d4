import { Scratch } from '../scratch.js'

const PIECE = 256 << 10

/** Bytes on their way to the second half of a job, on disk, so that memory does not grow with a container's upper directory. */
export interface Spill {
  write(bytes: Uint8Array): Promise<void>
  /** What was written, once; nothing may be written after. */
  read(): AsyncGenerator<Buffer, void, undefined>
  close(): Promise<void>
}

/** Throws `storage`. */
export async function openSpill(directory: string): Promise<Spill> {
  const scratch = await Scratch.open(directory)
  const file = await scratch.fill()
  const piece = Buffer.allocUnsafe(PIECE)
  let held = 0
  const flush = async (): Promise<void> => {
    if (held > 0) await file.write(piece.subarray(0, held))
    held = 0
  }
  return {
    async write(bytes) {
      if (held + bytes.length > PIECE) await flush()
      if (bytes.length > PIECE) await file.write(Buffer.from(bytes))
      else {
        piece.set(bytes, held)
        held += bytes.length
      }
    },
    async *read() {
      await flush()
      yield* file.read()
    },
    close: () => scratch.close(),
  }
}
