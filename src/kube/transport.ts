import type { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'

import type { Dispatcher } from 'undici'
import { WebSocket } from 'ws'

import { ImpoundError } from '../model/errors.js'
import type { Clock } from '../model/ports/run-context.js'
import type { Authentication, Credentials } from './authentication.js'
import { createDispatcher } from './dispatcher.js'
import type { Observations } from './observations.js'
import type { Proxy } from './proxy.js'
import type { Method } from './rights.js'
import type { ServerUrl } from './server-url.js'
import { abortReason, connectionError } from './transport-error.js'
import { uuid4 } from './uuid.js'

export interface WireRequest {
  readonly method: Method
  /** Path and query, percent-encoded, without the server's prefix. */
  readonly path: string
  readonly accept: string
  readonly body?: Buffer
  readonly contentType?: string
  /** Given where it was written down before sending. */
  readonly auditId?: string
  readonly signal: AbortSignal
}

/** The head of an answer and its body, still to be read. */
export interface WireResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
  /** As sent: with the server's prefix. */
  readonly path: string
  readonly auditId: string
  readonly startedAt: string
}

export interface TransportOptions {
  readonly server: ServerUrl
  readonly proxy: Proxy | undefined
  readonly authentication: Authentication
  readonly observations: Observations
  readonly clock: Clock
  readonly random: (bytes: number) => Buffer
  /** Told of every answer. */
  readonly debug: ((line: string) => void) | undefined
}

/** WebSocket frames are buffered whole before they are seen: this is the most that one may hold. */
const MAX_FRAME = 8 * 1024 * 1024

/** One exchange on the wire, authenticated, counted and observed. Knows nothing of Kubernetes' answers, repeats nothing. */
export class Transport {
  readonly #options: TransportOptions
  readonly #retired: Dispatcher[] = []
  #dispatcher: Dispatcher | undefined
  #generation = 0
  #agent: Credentials['agent']

  constructor(options: TransportOptions) {
    this.#options = options
  }

  get server(): ServerUrl {
    return this.#options.server
  }

  newAuditId(): string {
    return uuid4(this.#options.random)
  }

  /** The path as it goes over the wire. */
  fullPath(path: string): string {
    return `${this.server.prefix}${path}`
  }

  /** Why there is no connection, in words. */
  unreachable(cause: unknown): ImpoundError {
    return connectionError(cause, this.server.display, this.#options.proxy)
  }

  /** A connection that was made elsewhere shows the server's certificates too. */
  observe(socket: TLSSocket): void {
    this.#options.observations.certificates(socket)
  }

  /** Resolves with the head. Throws unreachable, server, configuration, or what aborted the signal. */
  async send(request: WireRequest): Promise<WireResponse> {
    const { clock, observations, authentication } = this.#options
    const credentials = await this.#guard(authentication.credentials(request.signal), request.signal)
    const auditId = request.auditId ?? this.newAuditId()
    const path = this.fullPath(request.path)
    const sentAt = clock.now()
    observations.requestSent()
    try {
      const response = await this.#dispatcherFor(credentials).request({
        origin: this.server.origin,
        path,
        method: request.method,
        headers: {
          ...mutable(credentials.headers),
          accept: request.accept,
          'accept-encoding': 'identity',
          'audit-id': auditId,
          'user-agent': 'impound',
          ...(request.contentType === undefined ? {} : { 'content-type': request.contentType }),
        },
        body: request.body ?? null,
        signal: request.signal,
        // deadlines are ours: a log may be silent for as long as its caller wants
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      // a body that is given up emits an error that nobody may be listening for any more
      response.body.on('error', () => undefined)
      const headers = flatten(response.headers)
      observations.responseSeen(headers['date'], sentAt, clock.now())
      this.#options.debug?.(debugLine(request.method, path, response.statusCode, auditId, headers))
      return {
        status: response.statusCode,
        headers,
        body: response.body,
        path,
        auditId,
        startedAt: sentAt.toISOString(),
      }
    } catch (cause) {
      if (request.signal.aborted) throw abortReason(request.signal)
      throw cause instanceof ImpoundError ? cause : this.unreachable(cause)
    }
  }

  /** A socket that is connecting; its caller listens to everything that it says. */
  async openSocket(
    path: string,
    protocols: readonly string[],
    handshakeTimeout: number,
    signal: AbortSignal,
  ): Promise<WebSocket> {
    const { authentication, observations } = this.#options
    const { headers, tls, agent } = await this.#guard(authentication.credentials(signal), signal)
    this.#agent = agent
    const url = `${this.server.origin.replace(/^http/, 'ws')}${this.fullPath(path)}`
    observations.requestSent()
    return new WebSocket(url, [...protocols], {
      ...tls,
      agent,
      headers: { ...mutable(headers), 'audit-id': this.newAuditId(), 'user-agent': 'impound' },
      handshakeTimeout,
      maxPayload: MAX_FRAME,
      perMessageDeflate: false,
    })
  }

  async close(): Promise<void> {
    this.#agent?.destroy()
    const open = this.#dispatcher === undefined ? this.#retired : [...this.#retired, this.#dispatcher]
    await Promise.all(open.map((dispatcher) => dispatcher.destroy()))
  }

  async #guard<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
    try {
      return await work
    } catch (error) {
      throw signal.aborted ? abortReason(signal) : error
    }
  }

  #dispatcherFor({ tls, generation }: Credentials): Dispatcher {
    if (this.#dispatcher === undefined || generation !== this.#generation) {
      // what still runs over the old connections may end there
      if (this.#dispatcher !== undefined) this.#retired.push(this.#dispatcher)
      this.#dispatcher = createDispatcher(tls, this.#options.proxy)
      this.#generation = generation
    }
    return this.#dispatcher
  }
}

/** With what API priority and fairness made of the request, where the server says it (Kubernetes, "API Priority and Fairness"). */
function debugLine(
  method: Method,
  path: string,
  status: number,
  auditId: string,
  headers: Readonly<Record<string, string>>,
): string {
  const fairness = Object.entries(headers).filter(([name]) => name.startsWith('x-kubernetes-pf-'))
  return [
    `${method} ${path}: ${status}`,
    `audit-id=${auditId}`,
    ...fairness.map((pair) => pair.join('=')),
  ].join(' ')
}

function mutable(headers: Credentials['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}
