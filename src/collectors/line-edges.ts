import { Transform } from 'node:stream'

const NEWLINE = 0x0a
/** An RFC 3339 time with nanoseconds and a zone is at most 35 bytes. */
const STAMP_BYTES = 36

/** Passes bytes through and keeps the time at the head of the first and of the last line, and the count of newlines. */
export class LineEdges extends Transform {
  lines = 0
  endsWithNewline = true
  first: string | undefined
  last: string | undefined
  private bytes = 0
  private head = ''
  private atLineStart = true
  private readonly progress: (bytes: number) => void

  constructor(progress: (bytes: number) => void) {
    super()
    this.progress = progress
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, chunk: Buffer) => void,
  ): void {
    let offset = 0
    while (offset < chunk.length) {
      if (this.atLineStart) this.head = ''
      const newline = chunk.indexOf(NEWLINE, offset)
      const end = newline === -1 ? chunk.length : newline
      if (this.head.length < STAMP_BYTES) {
        this.head += chunk.toString('latin1', offset, Math.min(end, offset + STAMP_BYTES - this.head.length))
      }
      this.note()
      this.atLineStart = newline !== -1
      if (newline !== -1) this.lines += 1
      offset = end + 1
    }
    this.endsWithNewline = this.atLineStart
    this.bytes += chunk.length
    this.progress(this.bytes)
    done(null, chunk)
  }

  private note(): void {
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)(?= |$)/.exec(
      this.head,
    )?.[0]
    if (time === undefined) return
    this.first ??= time
    this.last = time
  }
}
