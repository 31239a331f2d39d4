import { ImpoundError } from '../model/errors.js'
import { Authorizer, type AuthorizerOptions } from './authorization.js'
import { type Answer, boundedBody, headerOf, RegistryHttp } from './http.js'

/** One request below /v2/, without host. */
export interface RepositoryAsk {
  readonly method: 'GET' | 'HEAD'
  readonly repository: string
  /** 'manifests/latest', 'blobs/sha256:…' */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

export interface ClientOptions extends AuthorizerOptions {
  readonly timeoutMs: number
}

/**
 * A registry that is asked as anonymous until it wants credentials. What it gave in return lives as long as this object and
 * goes to that registry alone.
 */
export class RegistryClient {
  readonly #http: RegistryHttp
  readonly #authorizer: Authorizer
  readonly #host: string
  readonly #timeoutMs: number
  /** By repository. */
  readonly #authorizations = new Map<string, string>()

  constructor(options: ClientOptions) {
    this.#host = options.host
    this.#timeoutMs = options.timeoutMs
    this.#http = new RegistryHttp(options.address, options.timeoutMs, options.notice)
    this.#authorizer = new Authorizer(this.#http, options)
  }

  /** Whose credentials the registry was shown for a repository; undefined where none were. */
  credentialsFor(repository: string): string | undefined {
    return this.#authorizer.shownFor(repository)
  }

  urlOf(repository: string, path: string): URL {
    const base = this.#http.address
    return new URL(`${base.pathname.replace(/\/+$/, '')}/v2/${repository}/${path}`, base)
  }

  /**
   * The answer with status 200 or 206, its body unread. Throws `forbidden` where the registry wants credentials that we have
   * not, `not-found`, `throttled`, `server`, and what the transport throws.
   */
  async ask(ask: RepositoryAsk): Promise<Answer> {
    const url = this.urlOf(ask.repository, ask.path)
    const send = (authorization: string | undefined): Promise<Answer> =>
      this.#http.ask({
        method: ask.method,
        url,
        headers: { ...ask.headers, ...(authorization === undefined ? {} : { authorization }) },
        signal: ask.signal,
      })
    let answer = await send(this.#authorizations.get(ask.repository))
    if (answer.statusCode === 401) {
      const challenge = headerOf(answer, 'www-authenticate') ?? ''
      await answer.body.dump()
      const authorization = await this.#authorizer.header(ask.repository, challenge, ask.signal)
      this.#authorizations.set(ask.repository, authorization)
      answer = await send(authorization)
    }
    if (answer.statusCode === 200 || answer.statusCode === 206) return answer
    await answer.body.dump()
    throw this.#statusError(answer.statusCode, ask)
  }

  /** A whole document of at most `limit` bytes, within the deadline. */
  async document(
    ask: RepositoryAsk,
    limit: number,
  ): Promise<{ readonly bytes: Buffer; readonly answer: Answer }> {
    const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(this.#timeoutMs)])
    const answer = await this.ask({ ...ask, signal })
    return { bytes: await boundedBody(answer, limit, this.#http.address, signal), answer }
  }

  #statusError(status: number, { repository, path }: RepositoryAsk): ImpoundError {
    const host = this.#host
    const what = `${repository}/${path}`
    const details = { httpStatus: status }
    if (status === 401) return this.#authorizer.needsCredentials('its token was not enough', repository)
    if (status === 403)
      return new ImpoundError('forbidden', `registry ${host} refuses ${what} (403)`, details)
    if (status === 404) return new ImpoundError('not-found', `registry ${host} has no ${what}`, details)
    if (status === 429)
      return new ImpoundError('throttled', `registry ${host} is asked too often (429)`, details)
    return new ImpoundError('server', `registry ${host} answers ${status} for ${what}`, details)
  }
}
