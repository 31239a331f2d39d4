import type { CriLogFacts } from '../model/log-documents.js'

const NEWLINE = 0x0a
/** A time of at most 35 bytes, the stream, the tag, and a blank after each. */
const HEAD_BYTES = 48
/** Source: kubernetes/pkg/kubelet/cri/remote logs: TIMESTAMP STREAM TAGS CONTENT; TAGS are divided by ':', the first is P or F. */
const HEAD =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:\d\d) (?:stdout|stderr) ([PF])(?=[: ]|$)/

const [BLANK, COLON, DOT, COMMA, ZERO, F, P, T] = [0x20, 0x3a, 0x2e, 0x2c, 0x30, 0x46, 0x50, 0x54]
const STREAMS = [Buffer.from(' stdout '), Buffer.from(' stderr ')]
const DAY_BYTES = 'YYYY-MM-DD'.length
const SECOND_BYTES = 'YYYY-MM-DDThh:mm:ss'.length
const NANOSECONDS = 9

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
  /** Of the last line that was one: its day and zone as bytes, and when that day begins there, in seconds since 1970. */
  #day = Buffer.alloc(0)
  #zone = Buffer.alloc(0)
  #dayStart = Number.NaN
  /** Its time. */
  #seconds: number | undefined
  #nanoseconds = 0
  /** Where in the chunk the time of the last line begins and ends, until it is needed as text. */
  #lastFrom = -1
  #lastTo = -1

  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    for (let at = 0; at < chunk.length;) {
      const newline = chunk.indexOf(NEWLINE, at)
      const end = newline === -1 ? chunk.length : newline
      if (newline === -1 || this.#isInLine || !this.#isLikeLast(chunk, at, newline)) {
        if (this.#head.length < HEAD_BYTES) {
          this.#head += chunk.toString('latin1', at, Math.min(end, at + HEAD_BYTES - this.#head.length))
        }
        this.#isInLine = newline === -1
        if (newline !== -1) this.#endLine()
      }
      at = end + 1
    }
    if (this.#lastFrom !== -1) this.#last = chunk.toString('latin1', this.#lastFrom, this.#lastTo)
    this.#lastFrom = -1
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

  /** Takes a line of the same day and zone as the one before by its bytes, many times faster than by the pattern; false: it is another. */
  #isLikeLast(chunk: Buffer, from: number, newline: number): boolean {
    if (Number.isNaN(this.#dayStart) || !hasAt(chunk, from, this.#day)) return false
    let at = from + DAY_BYTES
    if (chunk[at] !== T || chunk[at + 3] !== COLON || chunk[at + 6] !== COLON) return false
    const [hour, minute, second] = [
      twoDigits(chunk, at + 1),
      twoDigits(chunk, at + 4),
      twoDigits(chunk, at + 7),
    ]
    if (!(hour < 24 && minute < 60 && second < 60)) return false
    const seconds = this.#dayStart + hour * 3600 + minute * 60 + second
    at = from + SECOND_BYTES
    let nanoseconds = 0
    if (chunk[at] === DOT || chunk[at] === COMMA) {
      at += 1
      const fraction = at
      for (let digit = (chunk[at] ?? 0) - ZERO; digit >= 0 && digit <= 9;) {
        nanoseconds = nanoseconds * 10 + digit
        at += 1
        digit = (chunk[at] ?? 0) - ZERO
      }
      const digits = at - fraction
      if (digits === 0 || digits > NANOSECONDS) return false
      nanoseconds *= 10 ** (NANOSECONDS - digits)
    }
    if (!hasAt(chunk, at, this.#zone)) return false
    const to = at + this.#zone.length
    if (!STREAMS.some((stream) => hasAt(chunk, to, stream))) return false
    at = to + 8
    const tag = chunk[at]
    const after = chunk[at + 1]
    if (tag !== F && tag !== P) return false
    if (after !== BLANK && after !== COLON && at + 1 !== newline) return false
    this.#lines += 1
    this.#follow(seconds, nanoseconds)
    this.#lastTag = tag === P ? 'P' : 'F'
    this.#lastFrom = from
    this.#lastTo = to
    return true
  }

  #follow(seconds: number, nanoseconds: number): void {
    const before = this.#seconds
    if (
      before !== undefined &&
      (seconds < before || (seconds === before && nanoseconds < this.#nanoseconds))
    ) {
      this.#outOfOrder += 1
    }
    this.#seconds = seconds
    this.#nanoseconds = nanoseconds
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
    const [, second = '', fraction = '', zone = '', tag = ''] = match
    this.#follow(Date.parse(second + zone) / 1000, Number(fraction.padEnd(NANOSECONDS, '0')))
    this.#day = Buffer.from(second.slice(0, DAY_BYTES), 'latin1')
    this.#zone = Buffer.from(zone, 'latin1')
    this.#dayStart = Date.parse(`${second.slice(0, DAY_BYTES)}T00:00:00${zone}`) / 1000
    const time = head.slice(0, head.indexOf(' '))
    this.#first ??= time
    this.#last = time
    this.#lastFrom = -1
    this.#lastTag = tag
  }
}

function hasAt(chunk: Buffer, at: number, bytes: Buffer): boolean {
  for (let index = 0; index < bytes.length; index += 1) {
    if (chunk[at + index] !== bytes[index]) return false
  }
  return true
}

/** NaN where they are none. */
function twoDigits(chunk: Buffer, at: number): number {
  const [tens, ones] = [(chunk[at] ?? 0) - ZERO, (chunk[at + 1] ?? 0) - ZERO]
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}
