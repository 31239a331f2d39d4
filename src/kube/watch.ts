import { readLines } from '../formats/jsonl.js'
import { describeAccess, type ApiPath } from '../model/api-path.js'
import { ImpoundError } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type { KubeWatch, WatchOptions } from '../model/ports/kube-watch.js'
import { type Client, ONE_TRY, succeeded, wirePath } from './client.js'
import { deadline } from './deadline.js'
import { readBody } from './exchange.js'
import { abortReason, timeoutError } from './transport-error.js'
import type { WireResponse } from './transport.js'

/** The server ends a watch after so long; it is opened again. */
const WATCH_SECONDS = '300'
const MAX_REFUSAL = 64 * 1024
/** One event holds one object, and etcd holds none that is larger. */
const MAX_EVENT = 8 * 1024 * 1024

/** Watches over chunked HTTP, each only up to its first event. */
export class ApiWatch implements KubeWatch {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  async changed(path: ApiPath, options: WatchOptions): Promise<'changed' | 'ended'> {
    const { signal } = options
    if (signal.aborted) throw abortReason(signal)
    const response = await this.#open(path, options)
    // by a call: that it was not aborted above says nothing of now
    const aborted = (): boolean => signal.aborted
    const onAbort = (): void => void response.body.destroy()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      for await (const { text, torn } of readLines(response.body, { lineBytes: MAX_EVENT })) {
        if (torn) break
        // an ERROR, such as 410 for a version that is too old, is a reason to list anew too
        if (eventType(text) !== 'BOOKMARK') return 'changed'
      }
      if (aborted()) throw abortReason(signal)
      return 'ended'
    } catch (error) {
      if (aborted()) throw abortReason(signal)
      if (error instanceof ImpoundError) throw error
      return 'ended' // the connection was cut: whoever waits opens another
    } finally {
      signal.removeEventListener('abort', onAbort)
      response.body.destroy()
    }
  }

  async #open(path: ApiPath, { signal, query, resourceVersion }: WatchOptions): Promise<WireResponse> {
    const { transport, requestTimeoutMs } = this.#client.options
    const request = {
      method: 'GET',
      path,
      query: {
        ...query,
        watch: '1',
        resourceVersion,
        allowWatchBookmarks: 'true',
        timeoutSeconds: WATCH_SECONDS,
      },
    } as const
    const what = `GET ${wirePath(request)}`
    const limit = deadline(requestTimeoutMs, signal)
    try {
      const once = (): Promise<WireResponse> =>
        transport.send({
          method: 'GET',
          path: wirePath(request),
          accept: 'application/json',
          signal: limit.signal,
        })
      const response = await this.#client.retried(once, ONE_TRY, 'watch', limit.signal)
      if (succeeded(response)) return response
      const body = await readBody(response, what, MAX_REFUSAL)
      throw this.#client.failure(request, { ...response, body }, describeAccess({ verb: 'watch', ...path }))
    } catch (error) {
      if (signal.aborted) throw abortReason(signal)
      throw limit.expired() ? timeoutError(what, requestTimeoutMs) : error
    } finally {
      // from here on the watch may be silent for as long as nothing changes
      limit.clear()
    }
  }
}

function eventType(line: Buffer): string | undefined {
  try {
    return asString(at(JSON.parse(line.toString('utf8')), 'type'))
  } catch {
    return undefined
  }
}
