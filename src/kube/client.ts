import type { ApiPath } from '../model/api-path.js'
import { urlPath } from '../model/api-path.js'
import type { ImpoundError } from '../model/errors.js'
import type { RawResponse } from '../model/ports/kube-reader.js'
import type { Clock } from '../model/ports/run-context.js'
import { apiError, type FailedAnswer } from './api-error.js'
import type { Authentication } from './authentication.js'
import { exchange, MAX_BODY } from './exchange.js'
import { type Answered, type RetryPolicy, withRetries } from './retry.js'
import { type Method, rightFor } from './rights.js'
import { withQuery } from './server-url.js'
import type { Transport } from './transport.js'

export interface ClientOptions {
  readonly transport: Transport
  readonly authentication: Authentication
  readonly context: string
  readonly requestTimeoutMs: number
  /** Most bytes of one body. */
  readonly maxBodyBytes?: number
  readonly clock: Clock
  readonly notice: (line: string) => void
}

export interface ClientRequest {
  readonly method: Method
  readonly path: ApiPath | string
  readonly query?: Readonly<Record<string, string>>
  readonly accept?: string
  readonly body?: Buffer
  readonly contentType?: string
  readonly auditId?: string
  readonly signal: AbortSignal
}

/** Three tries: what a restarting API server or a busy one needs. */
export const THREE_TRIES: RetryPolicy = { attempts: 3 }
export const ONE_TRY: RetryPolicy = { attempts: 1 }

/** Requests to the API with whole answers: what reading, writing and asking for rights have in common. */
export class Client {
  readonly options: ClientOptions

  constructor(options: ClientOptions) {
    this.options = options
  }

  /** An answer of whatever status. */
  async ask(request: ClientRequest, policy: RetryPolicy): Promise<RawResponse> {
    const { transport, requestTimeoutMs, maxBodyBytes, clock } = this.options
    const path = wirePath(request)
    const once = (): Promise<RawResponse> =>
      exchange(
        transport,
        {
          method: request.method,
          path,
          accept: request.accept ?? 'application/json',
          signal: request.signal,
          ...(request.body === undefined ? {} : { body: request.body }),
          ...(request.contentType === undefined ? {} : { contentType: request.contentType }),
          ...(request.auditId === undefined ? {} : { auditId: request.auditId }),
        },
        { timeoutMs: requestTimeoutMs, maxBytes: maxBodyBytes ?? MAX_BODY, clock },
      )
    return this.retried(once, policy, shortNameOf(request), request.signal)
  }

  /** For what may be asked twice: `what` begins the notice of a retry; a credential that the server does not accept any more is renewed once. */
  async retried<Answer extends Answered>(
    once: () => Promise<Answer>,
    policy: RetryPolicy,
    what: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { authentication, clock, notice } = this.options
    const answer = await withRetries(once, policy, { clock, signal, notice, what })
    if (answer.status !== 401 || !authentication.renewable) return answer
    authentication.invalidate()
    return policy.attempts > 1 ? once() : answer
  }

  /** What a failed answer means. */
  failure(
    request: Pick<ClientRequest, 'method' | 'path' | 'query'>,
    answer: Omit<FailedAnswer, 'request'>,
    right = rightFor(request.method, request.path),
  ): ImpoundError {
    const { transport, context } = this.options
    return apiError(
      { ...answer, request: `${request.method} ${wirePath(request)}` },
      { server: transport.server.display, context, right, selector: request.query?.labelSelector },
    )
  }
}

const MAX_SHORT_NAME = 80

/** 'list pods in shop', for a line that says what is being waited for. */
function shortNameOf({ method, path }: Pick<ClientRequest, 'method' | 'path'>): string {
  const name = rightFor(method, path) ?? `${method} ${wirePath({ path })}`
  return name.length > MAX_SHORT_NAME ? `${name.slice(0, MAX_SHORT_NAME)}…` : name
}

export function wirePath({ path, query }: Pick<ClientRequest, 'path' | 'query'>): string {
  return withQuery(typeof path === 'string' ? path : urlPath(path), query)
}

export function succeeded({ status }: Answered): boolean {
  return status >= 200 && status < 300
}
