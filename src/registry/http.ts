import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { Agent, type Dispatcher, request } from 'undici'

import { ImpoundError, messageOf } from '../model/errors.js'
import { type AddressClass, addressClass, classesOf } from './address.js'

const REDIRECTS = 5
const ATTEMPTS = 3
/** Longest wait that a registry may ask for by Retry-After, in seconds; longer means that it is busy. */
const PATIENCE_SECONDS = 10

export interface Ask {
  /** POST goes to a token service alone, and follows no redirect: its body holds a credential. */
  readonly method: 'GET' | 'HEAD' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

export type Answer = Dispatcher.ResponseData

/** A header's first value; undefined where there is none. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The whole body of an answer. Throws `too-big` past the limit in bytes, and what the transport throws. */
export async function boundedBody(
  answer: Answer,
  limit: number,
  url: URL,
  signal: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit)
        throw new ImpoundError('too-big', `registry ${url.host} sends a document of more than ${limit} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw transportError(error, url, signal)
  }
  return Buffer.concat(chunks)
}

/**
 * HTTP to one registry and to the places that it sends us to. Those get no Authorization, must speak https unless the
 * registry itself is asked by http, and may lie in a private network only if the registry does: its answers come from
 * outside, and a redirect to 169.254.169.254 would make us the attacker's arm. Addresses are checked at the moment of
 * the connection, so that a name that resolves differently the second time gains nothing.
 */
export class RegistryHttp {
  readonly address: URL
  readonly #timeoutMs: number
  readonly #notice: (line: string) => void
  readonly #home: Agent
  #foreign: Promise<Agent> | undefined

  constructor(address: URL, timeoutMs: number, notice: (line: string) => void) {
    this.address = address
    this.#timeoutMs = timeoutMs
    this.#notice = notice
    this.#home = new Agent({ connect: { timeout: timeoutMs } })
  }

  /**
   * The answer, whatever its status, after redirects, and after repeating what is safe to repeat: lost connections, 429 and
   * 5xx. The caller reads the body to its end or destroys it. Throws unreachable, timeout, aborted, refused (a redirect to
   * where we don't go).
   */
  async ask(ask: Ask): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === ATTEMPTS
      const outcome = await this.#follow(ask).catch((error: unknown) => {
        if (last || !(error instanceof ImpoundError) || error.code !== 'unreachable') throw error
        return undefined
      })
      if (outcome !== undefined && !isPassing(outcome.statusCode)) return outcome
      const wait = outcome === undefined ? 2 ** attempt * 0.1 : retryAfter(outcome, attempt)
      if (outcome !== undefined) {
        if (last || wait > PATIENCE_SECONDS) return outcome
        await outcome.body.dump()
      }
      this.#notice(`registry ${this.address.host} is asked again in ${wait} s`)
      await sleep(wait * 1000, undefined, { signal: ask.signal }).catch((error: unknown) => {
        throw transportError(error, this.address, ask.signal)
      })
    }
  }

  /** Throws `refused` for an address that the registry may name (token realm, redirect) and we must not ask. */
  checkForeign(url: URL): void {
    const isPlain = url.protocol === 'http:' && this.address.protocol === 'http:'
    if ((url.protocol !== 'https:' && !isPlain) || url.username !== '' || url.password !== '') {
      throw new ImpoundError(
        'refused',
        `registry ${this.address.host} sends us to ${url.protocol}//${url.host}, which is not asked: no https`,
      )
    }
  }

  async #follow(ask: Ask): Promise<Answer> {
    let { url } = ask
    for (let hop = 0; hop <= REDIRECTS; hop += 1) {
      const isHome = url.origin === this.address.origin
      if (!isHome) this.checkForeign(url)
      // what was asked for goes with what was given for it; where an answer leads gets nothing
      const headers = hop === 0 ? ask.headers : withoutAuthorization(ask.headers)
      const answer = await this.#send({ ...ask, url, headers })
      const location = headerOf(answer, 'location')
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.statusCode) && ask.method !== 'POST'
      if (!isRedirect || location === undefined) return answer
      await answer.body.dump()
      const next = URL.parse(location, url.href)
      if (next === null)
        throw new ImpoundError('server', `registry ${this.address.host} redirects to no address`)
      url = next
    }
    throw new ImpoundError('server', `registry ${this.address.host} redirects more than ${REDIRECTS} times`)
  }

  async #send({ method, url, headers, body, signal }: Ask): Promise<Answer> {
    try {
      const dispatcher = url.origin === this.address.origin ? this.#home : await this.#agentFor(url)
      return await request(url, {
        method,
        headers: { ...headers, 'user-agent': 'impound' },
        ...(body === undefined ? {} : { body }),
        signal,
        dispatcher,
        headersTimeout: this.#timeoutMs,
        bodyTimeout: this.#timeoutMs,
      })
    } catch (error) {
      throw transportError(error, url, signal)
    }
  }

  /** Names are checked by the agent's own lookup; a literal address is never looked up, so it is checked here. */
  async #agentFor(url: URL): Promise<Agent> {
    const own = classesOf(this.address.hostname)
    this.#foreign ??= own.then((classes) => {
      const guard = guardedLookup(new Set<AddressClass>(['public', ...classes]))
      return new Agent({ connect: { timeout: this.#timeoutMs, lookup: guard } })
    })
    const literal = /^\[?([0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*)\]?$/.exec(url.hostname)?.[1]
    if (literal !== undefined) {
      const kind = addressClass(literal)
      if (kind !== 'public' && !(await own).has(kind)) throw notGoing(url.hostname, kind)
    }
    return this.#foreign
  }
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'))
}

function notGoing(hostname: string, kind: AddressClass): ImpoundError {
  return new ImpoundError(
    'refused',
    `a registry sends us to ${hostname}, a ${kind} address, which is not asked`,
  )
}

function guardedLookup(allowed: ReadonlySet<AddressClass>): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, [])
        return
      }
      const kind = addresses.map(({ address }) => addressClass(address)).find((found) => !allowed.has(found))
      if (kind !== undefined) callback(notGoing(hostname, kind), [])
      else if (options.all === true) callback(null, addresses)
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family)
    })
  }
}

function isPassing(status: number): boolean {
  return status === 429 || status === 500 || status === 502 || status === 503 || status === 504
}

function retryAfter(answer: Answer, attempt: number): number {
  const seconds = Number(headerOf(answer, 'retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : 2 ** attempt * 0.1
}

/** What undici, the resolver or an AbortSignal threw, as one of our codes. */
export function transportError(error: unknown, url: URL, signal: AbortSignal): ImpoundError {
  if (error instanceof ImpoundError) return error
  const cause = error instanceof Error && error.cause instanceof ImpoundError ? error.cause : undefined
  if (cause !== undefined) return cause
  const name = error instanceof Error ? error.name : ''
  if (signal.aborted) {
    const isDeadline = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
    return isDeadline
      ? new ImpoundError('timeout', `registry ${url.host} took too long`, { cause: error })
      : new ImpoundError('aborted', 'interrupted while a registry was asked', { cause: error })
  }
  if (/Timeout/.test(name)) {
    return new ImpoundError('timeout', `registry ${url.host} took too long`, { cause: error })
  }
  return new ImpoundError('unreachable', `registry ${url.host} can't be reached: ${messageOf(error)}`, {
    hints: ['check the address; ask a mirror in its place with --registry HOST=URL'],
    cause: error,
  })
}
