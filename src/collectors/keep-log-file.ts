import { PassThrough } from 'node:stream'

import { CriLogReader } from '../formats/cri-log.js'
import { readGzip } from '../formats/gzip.js'
import type { CollectContext } from '../model/collector.js'
import type { CriLogFacts, LogFile } from '../model/log-documents.js'
import { isCode, messageOf } from '../model/errors.js'
import type { Sink } from '../model/ports/sink.js'

/** Given to the inflater at once: each time costs a turn of a thread, and pieces come small. */
const BATCH = 128 << 10

/** A log file that is coming from a node. */
export interface LogFileSource extends Omit<LogFile, 'kept'> {
  readonly artefact: string
  readonly subject: string
  readonly request: string
  /** To be read once. */
  readonly content: AsyncIterable<Buffer>
}

/** Keeps a log file as it lies on the node and reads on the way what it covers. */
export async function keepLogFile(
  sink: Sink,
  context: CollectContext,
  { artefact, subject, request, content, ...file }: LogFileSource,
): Promise<LogFile> {
  const facts = file.compressed === true ? new CompressedFacts() : new PlainFacts()
  const record = await sink.attempt(
    artefact,
    {
      kind: 'stream',
      mediaType: file.compressed === true ? 'application/gzip' : 'text/plain',
      trust: 'node-kernel',
      request,
    },
    subject,
    async (writer) => {
      for await (const piece of content) {
        context.run.signal.throwIfAborted()
        await writer.write(piece)
        await facts.push(piece)
      }
    },
  )
  const { covers, unreadable } = await facts.end()
  return {
    ...file,
    ...(record === undefined ? {} : { path: record.path, bytes: record.bytes }),
    kept: record === undefined ? 'no' : record.status === 'collected' ? 'whole' : 'cut',
    ...(record === undefined ? { why: 'nothing of it came' } : {}),
    ...(unreadable === undefined ? {} : { unreadable }),
    ...(covers === undefined ? {} : { covers }),
  }
}

interface Facts {
  push(piece: Buffer): Promise<void>
  end(): Promise<{ readonly covers?: CriLogFacts; readonly unreadable?: string }>
}

class PlainFacts implements Facts {
  readonly #reader = new CriLogReader()

  push(piece: Buffer): Promise<void> {
    this.#reader.push(piece)
    return Promise.resolve()
  }

  end(): ReturnType<Facts['end']> {
    return Promise.resolve({ covers: this.#reader.end() })
  }
}

/** Inflates beside what is kept; where that fails, what had come by then still counts. */
class CompressedFacts implements Facts {
  readonly #reader = new CriLogReader()
  readonly #tap = new PassThrough({ highWaterMark: 1 << 20 })
  readonly #done: Promise<string | undefined>
  #isDone = false
  #batch = Buffer.allocUnsafeSlow(BATCH)
  #filled = 0

  constructor() {
    this.#tap.on('error', () => undefined)
    this.#done = this.#inflate().finally(() => {
      this.#isDone = true
      this.#tap.emit('drain')
    })
  }

  async push(piece: Buffer): Promise<void> {
    // a copy: the piece is a view on a chunk that is used again
    for (let at = 0; at < piece.length && !this.#isDone;) {
      const taken = piece.copy(this.#batch, this.#filled, at)
      at += taken
      this.#filled += taken
      if (this.#filled === BATCH) await this.#send()
    }
  }

  async end(): ReturnType<Facts['end']> {
    await this.#send()
    this.#tap.end()
    const unreadable = await this.#done
    return { covers: this.#reader.end(), ...(unreadable === undefined ? {} : { unreadable }) }
  }

  async #send(): Promise<void> {
    const batch = this.#batch.subarray(0, this.#filled)
    this.#batch = Buffer.allocUnsafeSlow(BATCH)
    this.#filled = 0
    if (this.#isDone || batch.length === 0 || this.#tap.write(batch)) return
    await new Promise<void>((resolve) => {
      if (this.#isDone) resolve()
      else this.#tap.once('drain', resolve)
    })
  }

  async #inflate(): Promise<string | undefined> {
    try {
      for await (const chunk of readGzip(this.#tap as AsyncIterable<Buffer>)) this.#reader.push(chunk)
      return undefined
    } catch (error) {
      if (isCode(error, 'cut', 'integrity', 'too-big')) return messageOf(error)
      throw error
    }
  }
}
