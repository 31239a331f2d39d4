import { urlPath, type ApiPath } from '../model/api-path.js'
import type { RecordedRead, RecordingReader } from '../model/collector.js'
import { ImpoundError } from '../model/errors.js'
import type { Json } from '../model/json.js'
import type { KubeReader, RawResponse } from '../model/ports/kube-reader.js'
import type { Sink } from '../model/ports/sink.js'

/** Hides secrets in an API document without touching any other byte; evidence/redact has the one that is used. */
export type RedactBody = (body: Buffer, artefact: string) => Promise<Buffer>

type Query = Readonly<Record<string, string>> | undefined

/**
 * Keeps every API body of one target, page by page, as api/0001.json and on, redacted while it is received. Readers for
 * several collectors share one recording: the same read is sent once and answered to all of them from that one body.
 */
export class Recording {
  private readonly kube: KubeReader
  private readonly redact: RedactBody
  private readonly gets = new Map<string, Promise<RecordedRead>>()
  private readonly lists = new Map<string, Promise<readonly RecordedRead[]>>()
  private next = 1

  constructor(kube: KubeReader, redact: RedactBody) {
    this.kube = kube
    this.redact = redact
  }

  /** Asks anew every time: for what has changed since. */
  freshReaderFor(sink: Sink, signal: AbortSignal): RecordingReader {
    return {
      get: async (path, query) => this.keep(await this.kube.get(path, options(signal, query)), sink),
      list: (path, query) => this.pages(path, query, sink, signal),
      discover: (discoverSignal) => this.kube.discover(discoverSignal),
    }
  }

  /** The reader that a collector sees; bodies that it is the first to ask for are recorded as its own. */
  readerFor(sink: Sink, signal: AbortSignal): RecordingReader {
    const fresh = this.freshReaderFor(sink, signal)
    return {
      ...fresh,
      get: (path, query) => once(this.gets, keyOf(path, query), () => fresh.get(path, query)),
      list: (path, query) => once(this.lists, keyOf(path, query), () => fresh.list(path, query)),
    }
  }

  private async pages(
    path: ApiPath | string,
    query: Query,
    sink: Sink,
    signal: AbortSignal,
  ): Promise<readonly RecordedRead[]> {
    const reads: RecordedRead[] = []
    for await (const page of this.kube.list(path, options(signal, query)))
      reads.push(await this.keep(page, sink))
    return reads
  }

  async keep(response: RawResponse, sink: Sink): Promise<RecordedRead> {
    const name = `api/${String(this.next++).padStart(4, '0')}.json`
    const { body, ...rest } = response
    const writer = await sink.open(
      name,
      {
        kind: 'api',
        mediaType: response.headers['content-type'] ?? 'application/octet-stream',
        trust: 'api',
        request: `${response.method} ${response.path}`,
        auditId: response.auditId,
      },
      '',
    )
    const kept = await this.redact(body, name)
    await writer.write(kept)
    const record = await writer.end()
    return { artefact: record.path, response: rest, json: parse(kept, response) }
  }
}

/** A failed read is forgotten, so that another collector may try it anew. */
function once<Value>(
  memo: Map<string, Promise<Value>>,
  key: string,
  ask: () => Promise<Value>,
): Promise<Value> {
  const known = memo.get(key)
  if (known !== undefined) return known
  const answer = ask().catch((error: unknown) => {
    memo.delete(key)
    throw error
  })
  memo.set(key, answer)
  return answer
}

function options(signal: AbortSignal, query: Query): { signal: AbortSignal; query?: NonNullable<Query> } {
  return query === undefined ? { signal } : { signal, query }
}

function keyOf(path: ApiPath | string, query: Query): string {
  const entries = Object.entries(query ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  return `${typeof path === 'string' ? path : urlPath(path)}?${new URLSearchParams(entries).toString()}`
}

function parse(body: Buffer, response: RawResponse): Json {
  try {
    return JSON.parse(body.toString('utf8')) as Json
  } catch (cause) {
    throw new ImpoundError('server', `the answer to ${response.path} is no JSON`, {
      cause,
      hints: ['the body is kept as it came; is there a proxy between you and the API server?'],
    })
  }
}
