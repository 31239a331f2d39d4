import type { Writable } from 'node:stream'

import { podPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { LogOutcome, LogRequest, LogStream, StreamOptions } from '../model/ports/streams.js'
import { type Client, type ClientRequest, succeeded, THREE_TRIES, wirePath } from './client.js'
import { deadline } from './deadline.js'
import { hasEndMark, readBody } from './exchange.js'
import { pour } from './pour.js'
import type { Answered } from './retry.js'
import { abortReason, timeoutError } from './transport-error.js'
import type { WireResponse } from './transport.js'

/** Refusals are short; a log never is read so. */
const MAX_REFUSAL = 64 * 1024
const MAX_NOTICE = 500
const LOG_GONE = /^(?:unable to retrieve container logs for |failed to try resolving symlinks in path )/
/** How the API server words a kubelet whose certificate it can't check. */
const BACKEND_TLS = /x509:|tls: (?:failed to verify|bad certificate)|certificate signed by unknown authority/

/** Logs over chunked HTTP, whose framing says whether the end is an end. */
export class ApiLogs implements LogStream {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  async log(request: LogRequest, sink: Writable, options: StreamOptions): Promise<LogOutcome> {
    if (options.signal.aborted) throw abortReason(options.signal)
    let backendUnverified = false
    let response: WireResponse
    try {
      response = await this.#open(request, backendUnverified, options)
    } catch (error) {
      if (!isCode(error, 'server') || !BACKEND_TLS.test(error.message)) throw error
      backendUnverified = true
      response = await this.#open(request, backendUnverified, options)
    }
    const bytes = await pour(response.body, sink, options, {
      what: `The log of ${request.container}`,
      hasEndMark: hasEndMark(response),
      inspect: refuseNotice,
    })
    return { bytes, request: response.path, auditId: response.auditId, backendUnverified }
  }

  /** The head of a log that is coming. */
  async #open(
    request: LogRequest,
    backendUnverified: boolean,
    { signal }: StreamOptions,
  ): Promise<WireResponse> {
    const asked: ClientRequest = {
      method: 'GET',
      path: podPath(request.namespace, request.pod, 'log'),
      query: {
        container: request.container,
        timestamps: 'true',
        ...(request.previous ? { previous: 'true' } : {}),
        ...(backendUnverified ? { insecureSkipTLSVerifyBackend: 'true' } : {}),
      },
      signal,
    }
    const what = `log of ${request.container} in ${request.namespace}/${request.pod}`
    const answer = await this.#client.retried(
      () => this.#once(asked),
      { ...THREE_TRIES, final: isBackendTls },
      what,
      signal,
    )
    if (isLog(answer)) return answer.response
    throw refusal(this.#client.failure(asked, { ...answer, body: answer.refusal }))
  }

  async #once(asked: ClientRequest): Promise<LogAnswer> {
    const { transport, requestTimeoutMs } = this.#client.options
    const limit = deadline(requestTimeoutMs, asked.signal)
    const what = `GET ${wirePath(asked)}`
    try {
      const response = await transport.send({
        method: 'GET',
        path: wirePath(asked),
        accept: 'text/plain, application/json',
        signal: limit.signal,
      })
      const refused = isLog(response) ? Buffer.alloc(0) : await readBody(response, what, MAX_REFUSAL)
      return { status: response.status, headers: response.headers, response, refusal: refused }
    } catch (error) {
      if (asked.signal.aborted) throw abortReason(asked.signal)
      throw limit.expired() ? timeoutError(what, requestTimeoutMs) : error
    } finally {
      // from here on the stream's own stall timeout counts
      limit.clear()
    }
  }
}

/**
 * The kubelet says with 200, in place of the log, that it has none any more. No container can write this: with timestamps,
 * each line of a log begins with its time.
 */
function refuseNotice(first: Buffer): void {
  const text = first.subarray(0, MAX_NOTICE).toString('utf8').trim()
  if (LOG_GONE.test(text)) throw new ImpoundError('not-found', `${text}.`)
}

interface LogAnswer extends Answered {
  readonly response: WireResponse
  readonly refusal: Buffer
}

/** A proxy's log-in page comes with 200 too, and is no evidence. */
function isLog(answer: Answered): boolean {
  return succeeded(answer) && !(answer.headers['content-type'] ?? '').includes('html')
}

function isBackendTls(answer: Answered): boolean {
  return (
    'refusal' in answer &&
    Buffer.isBuffer(answer.refusal) &&
    BACKEND_TLS.test(answer.refusal.toString('utf8'))
  )
}

/** A 400 for a log says in words which of its reasons it is. */
function refusal(error: ImpoundError): ImpoundError {
  if (error.code !== 'invalid') return error
  const details = {
    cause: error,
    ...(error.httpStatus === undefined ? {} : { httpStatus: error.httpStatus }),
  }
  if (/previous terminated container|is not valid for pod|not found/.test(error.message))
    return new ImpoundError('not-found', error.message, details)
  if (/waiting to start|PodInitializing|ContainerCreating|trying and failing to pull/.test(error.message))
    return new ImpoundError('target-refused', error.message, details)
  return error
}
