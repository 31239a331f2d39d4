import { createCipheriv } from 'node:crypto'

/** A cipher is slow at giving a few bytes: those are cut from a bigger piece. */
const POOL = 64 << 10
const SMALL = 1 << 10

/** Bytes that look random and are the same for the same seed. */
export class Bytes {
  readonly #cipher: ReturnType<typeof createCipheriv>
  #pool = Buffer.alloc(0)

  constructor(seed: number) {
    const iv = Buffer.alloc(16)
    iv.writeUInt32BE(seed)
    this.#cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 'bench'), iv)
  }

  take(count: number): Buffer {
    if (count > SMALL) return this.#cipher.update(Buffer.alloc(count))
    if (this.#pool.length < count) this.#pool = this.#cipher.update(Buffer.alloc(POOL))
    const taken = this.#pool.subarray(0, count)
    this.#pool = this.#pool.subarray(count)
    return taken
  }

  /** Evenly, from `from` up to and without `to`. */
  integer(from: number, to: number): number {
    return from + (this.take(4).readUInt32BE() % (to - from))
  }
}

export interface DataFile {
  readonly name: string
  readonly body: Buffer
}

/**
 * Files as a container has them, `total` bytes together: 70 of 100 between 1 and 8 KiB, 25 up to 64 KiB, 5 up to 1 MiB. By bytes
 * about two fifths log text, a fifth JSON, a fifth machine code, a fifth that can't be compressed. All sizes times `scale`.
 */
export function* mixedFiles(total: number, scale = 1): Generator<DataFile> {
  const bytes = new Bytes(1)
  let left = total
  for (let number = 0; left > 0; number += 1) {
    const size = Math.min(left, Math.ceil(fileSize(bytes) * scale))
    const kind = KINDS[number % KINDS.length] ?? logText
    left -= size
    const name = `d${String(number % 50).padStart(2, '0')}/f${String(number).padStart(6, '0')}`
    yield { name, body: kind(bytes, size) }
  }
}

/** As {@link mixedFiles}, in the sizes of what a run collects: nine small documents to each stream of a tenth of the whole. */
export function* collectedFiles(total: number): Generator<DataFile> {
  const streams = 10
  let parts: Buffer[] = []
  let length = 0
  let number = 0
  for (const { body } of mixedFiles(total)) {
    const name = `f${String(number).padStart(6, '0')}`
    if (number % streams !== 0) {
      yield { name, body }
      number += 1
      continue
    }
    parts.push(body)
    length += body.length
    if (length < total / streams) continue
    yield { name, body: Buffer.concat(parts) }
    ;[parts, length] = [[], 0]
    number += 1
  }
  if (length > 0) yield { name: `f${String(number).padStart(6, '0')}`, body: Buffer.concat(parts) }
}

function fileSize(bytes: Bytes): number {
  const draw = bytes.integer(0, 100)
  if (draw < 70) return bytes.integer(1 << 10, 8 << 10)
  return draw < 95 ? bytes.integer(8 << 10, 64 << 10) : bytes.integer(64 << 10, 1 << 20)
}

const KINDS: readonly ((bytes: Bytes, size: number) => Buffer)[] = [
  logText,
  (bytes, size) => bytes.take(size),
  logText,
  jsonText,
  machineCode,
]

const PATHS = ['/', '/cart', '/login', '/api/v1/orders', '/static/app.js', '/healthz']

function logText(bytes: Bytes, size: number): Buffer {
  return filled(size, () => {
    const [a, b, c] = [bytes.integer(0, 60), bytes.integer(0, 1 << 24), bytes.integer(0, PATHS.length)]
    return `2026-11-22T03:00:${String(a).padStart(2, '0')}.${b}Z GET ${PATHS[c] ?? ''} 200 ${b % 9000} "Mozilla/5.0"\n`
  })
}

function jsonText(bytes: Bytes, size: number): Buffer {
  return filled(
    size,
    () =>
      `{"id":"${bytes.take(8).toString('hex')}","user":${bytes.integer(0, 5000)},"items":[],"ok":true},\n`,
  )
}

/** Half of it patterns that come back, half noise. */
function machineCode(bytes: Bytes, size: number): Buffer {
  const pattern = bytes.take(512)
  const code = bytes.take(size)
  for (let at = 0; at < size; at += 1024) code.set(pattern.subarray(0, Math.min(512, size - at)), at)
  return code
}

function filled(size: number, line: () => string): Buffer {
  const parts: string[] = []
  for (let length = 0; length < size;) {
    const next = line()
    parts.push(next)
    length += next.length
  }
  return Buffer.from(parts.join(''), 'latin1').subarray(0, size)
}
