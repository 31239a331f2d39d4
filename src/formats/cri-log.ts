import type { CriLogFacts } from '../model/documents.js'

const NEWLINE = 0x0a
/** A time of at most 35 bytes, the stream, the tag, and a blank after each. */
const HEAD_BYTES = 48
/** Source: kubernetes/pkg/kubelet/cri/remote logs: TIMESTAMP STREAM TAGS CONTENT; TAGS are divided by ':', the first is P or F. */
const HEAD =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d) (?:stdout|stderr) ([PF])(?=[: ]|$)/

/**
 * Reads a container's log file as a runtime writes it for the kubelet, a chunk at a time. Holds the beginning of one line, however long
 * that line is.
 */
export class CriLogReader {
  #bytes = 0
  #lines = 0
  #malformed = 0
  #outOfOrder = 0
  #first: string | undefined
  #last: string | undefined
  #lastTag = 'F'
  #head = ''
  #isInLine = false
  #lastKey: readonly [second: number, fraction: string] | undefined
  /** The last second that was parsed: most lines share theirs with the one before. */
  #secondText = ''
  #second = 0

  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    for (let at = 0; at < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, at)
      const end = newline === -1 ? chunk.length : newline
      if (this.#head.length < HEAD_BYTES) {
        this.#head += chunk.toString('latin1', at, Math.min(end, at + HEAD_BYTES - this.#head.length))
      }
      this.#isInLine = newline === -1
      if (newline !== -1) this.#endLine()
      at = end + 1
    }
  }

  /** What there was; a last line without its newline counts. */
  end(): CriLogFacts {
    const endsWithNewline = !this.#isInLine
    if (this.#isInLine) this.#endLine()
    return {
      isCri: this.#lines > 0 && this.#malformed * 2 < this.#lines,
      bytes: this.#bytes,
      lines: this.#lines,
      malformed: this.#malformed,
      outOfOrder: this.#outOfOrder,
      ...(this.#first === undefined ? {} : { firstAt: this.#first }),
      ...(this.#last === undefined ? {} : { lastAt: this.#last }),
      endsWithNewline,
      endsWithPiece: this.#lastTag === 'P',
    }
  }

  #endLine(): void {
    const head = this.#head
    this.#head = ''
    this.#isInLine = false
    this.#lines += 1
    const match = HEAD.exec(head)
    if (match === null) {
      this.#malformed += 1
      return
    }
    const [, date = '', fraction = '', zone = '', tag = ''] = match
    const second = this.#secondOf(date + zone)
    const before = this.#lastKey
    if (before !== undefined && (second < before[0] || (second === before[0] && fraction < before[1]))) {
      this.#outOfOrder += 1
    }
    this.#lastKey = [second, fraction]
    const time = head.slice(0, head.indexOf(' '))
    this.#first ??= time
    this.#last = time
    this.#lastTag = tag
  }

  #secondOf(text: string): number {
    if (text !== this.#secondText) {
      this.#secondText = text
      this.#second = Date.parse(text)
    }
    return this.#second
  }
}
