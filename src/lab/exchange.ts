import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import type { JsonObject } from '../model/json.js'
import { authenticate, type Identity } from './access/authenticate.js'
import type { Answer } from './api/answer.js'
import type { ApiContext } from './api/call.js'
import { parseTarget, requestInfo, type RequestInfo, type RequestTarget } from './api/request-info.js'
import { noSuchPath } from './api/status.js'
import { auditEntry } from './audit.js'
import { answerInstead } from './faults/answer-instead.js'
import type { FaultEffect, Strike } from './faults/fault.js'
import type { Faults } from './faults/faults.js'
import type { LabClock } from './clock.js'
import type { OpenRequest } from './requests.js'

export interface ExchangeOptions {
  readonly context: ApiContext
  readonly clock: LabClock
  readonly faults: Faults
  /** Told when a request comes in; the entry is completed until its answer is out. */
  onRequest(request: OpenRequest): void
  /** Told when an answer is out, or a stream open. */
  onAnswer(request: OpenRequest, audit: JsonObject): void
}

interface Asked {
  readonly identity: Identity
  readonly target: RequestTarget
  readonly info: RequestInfo
}

/** Faults whose answer, if there is one, nobody gets. */
const UNANSWERED: readonly FaultEffect['kind'][] = ['refused', 'reset', 'answer-lost', 'close-without-status']

/** One request to the API server on its way: who asks for what, which fault struck it, what the logs will say. */
export class Exchange {
  readonly record: OpenRequest
  readonly #options: ExchangeOptions
  readonly #request: IncomingMessage
  #asked: Asked | undefined
  #strike: Strike | undefined

  constructor(options: ExchangeOptions, request: IncomingMessage) {
    this.#options = options
    this.#request = request
    const path = request.url ?? ''
    this.record = {
      at: options.context.now().toISOString(),
      method: request.method ?? '',
      path,
      user: '',
      auditId: request.headersDistinct['audit-id']?.[0] ?? randomUUID(),
      status: 0,
      dryRun: /[?&]dryRun=All(?:&|$)/.test(path),
      body: '',
    }
    options.onRequest(this.record)
  }

  get strike(): Strike | undefined {
    return this.#strike
  }

  /**
   * Authenticates, and lets a fault strike. Returns what is sent instead of doing anything; throws what the API server
   * refuses to authenticate.
   */
  begin(): Answer | undefined {
    const { record } = this
    let refusal: Error | undefined
    try {
      const identity = authenticate(this.#request, this.#options.context.users)
      record.user = identity.user.name
      const target = parseTarget(record.path)
      this.#asked = { identity, target, info: requestInfo(record.method, target) }
    } catch (error) {
      refusal = error instanceof Error ? error : new Error(String(error))
    }
    // who can't be told can still be cut off
    const instead = this.#struck() ? this.#instead() : undefined
    if (instead === undefined && refusal !== undefined) throw refusal
    return instead
  }

  /** What begin() found out. */
  asked(): Asked {
    if (this.#asked === undefined) throw noSuchPath()
    return this.#asked
  }

  /** Completes the logs. */
  answered(answer: Answer): void {
    const kind = this.#strike?.effect.kind
    const streams = answer.status === 101 && kind === 'close-without-status'
    if (kind === undefined || streams || !UNANSWERED.includes(kind)) this.record.status = answer.status
    const { now, users } = this.#options.context
    const asked = this.#asked
    const reason = asked?.info.kind === 'resource' ? users.decide(asked.identity.user, asked.info).reason : ''
    const audit = auditEntry(now(), this.record, this.#request, asked, answer, reason)
    this.#options.onAnswer(this.record, audit)
  }

  #struck(): boolean {
    const { record } = this
    this.#strike = this.#options.faults.strike({ server: 'api', ...record })
    if (this.#strike === undefined) return false
    record.fault = this.#strike.effect.kind
    return true
  }

  #instead(): Answer | undefined {
    const effect = this.#strike?.effect
    if (effect?.kind === 'clock-jump') this.#options.clock.jump(effect.seconds)
    if (effect?.kind === 'refused' || effect?.kind === 'reset') return NOTHING
    if (effect?.kind === 'close-without-status') {
      return this.#request.headers.upgrade === undefined ? NOTHING : undefined
    }
    if (effect?.kind === 'token-expired') {
      const token = this.#asked?.identity.token
      if (token === undefined) {
        this.#strike?.missed('the request came without a token')
        return undefined
      }
      this.#options.context.users.expireToken(token)
    }
    return answerInstead(effect, { info: this.#asked?.info, user: this.record.user })
  }
}

/** Of a request whose connection goes before anything is said. */
const NOTHING: Answer = { status: 0, headers: {}, body: Buffer.alloc(0) }
