import { ImpoundError } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import { parseChallenge } from './challenge.js'
import { type Answer, headerOf, RegistryHttp, transportError } from './http.js'

const TOKEN_LIMIT = 1 << 20

/** One request below /v2/, without host. */
export interface RepositoryAsk {
  readonly method: 'GET' | 'HEAD'
  readonly repository: string
  /** 'manifests/latest', 'blobs/sha256:…' */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** A registry that is asked as anonymous. Tokens live as long as this object and go to that registry alone. */
export class RegistryClient {
  readonly #http: RegistryHttp
  readonly #host: string
  readonly #timeoutMs: number
  readonly #tokens = new Map<string, string>()

  constructor(host: string, address: URL, timeoutMs: number, notice: (line: string) => void) {
    this.#host = host
    this.#timeoutMs = timeoutMs
    this.#http = new RegistryHttp(address, timeoutMs, notice)
  }

  urlOf(repository: string, path: string): URL {
    const base = this.#http.address
    return new URL(`${base.pathname.replace(/\/+$/, '')}/v2/${repository}/${path}`, base)
  }

  /**
   * The answer with status 200 or 206, its body unread. Throws `forbidden` where the registry wants credentials,
   * `not-found`, `throttled`, `server`, and what the transport throws.
   */
  async ask(ask: RepositoryAsk): Promise<Answer> {
    const url = this.urlOf(ask.repository, ask.path)
    const send = (token: string | undefined): Promise<Answer> =>
      this.#http.ask({
        method: ask.method,
        url,
        headers: {
          ...ask.headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal: ask.signal,
      })
    let answer = await send(this.#tokens.get(ask.repository))
    if (answer.statusCode === 401) {
      const header = headerOf(answer, 'www-authenticate') ?? ''
      await answer.body.dump()
      const token = await this.#token(ask.repository, header, ask.signal)
      this.#tokens.set(ask.repository, token)
      answer = await send(token)
    }
    if (answer.statusCode === 200 || answer.statusCode === 206) return answer
    await answer.body.dump()
    throw statusError(answer.statusCode, this.#host, `${ask.repository}/${ask.path}`)
  }

  /** A whole document of at most `limit` bytes, within the deadline. */
  async document(
    ask: RepositoryAsk,
    limit: number,
  ): Promise<{ readonly bytes: Buffer; readonly answer: Answer }> {
    const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(this.#timeoutMs)])
    const answer = await this.ask({ ...ask, signal })
    return { bytes: await bounded(answer, limit, this.#http.address, signal), answer }
  }

  async #token(repository: string, header: string, signal: AbortSignal): Promise<string> {
    const challenge = parseChallenge(header)
    const realm = challenge.scheme === 'bearer' ? URL.parse(challenge.realm) : null
    if (challenge.scheme !== 'bearer' || realm === null) {
      throw needsCredentials(this.#host, challenge.scheme === 'other' ? challenge.name : 'bearer')
    }
    this.#http.checkForeign(realm)
    if (challenge.service !== undefined) realm.searchParams.set('service', challenge.service)
    realm.searchParams.set('scope', `repository:${repository}:pull`)
    const answer = await this.#http.ask({ method: 'GET', url: realm, headers: {}, signal })
    const body = await bounded(answer, TOKEN_LIMIT, realm, signal)
    if (answer.statusCode === 401 || answer.statusCode === 403) throw needsCredentials(this.#host, 'bearer')
    if (answer.statusCode !== 200) throw statusError(answer.statusCode, this.#host, 'token')
    const token = tokenOf(body)
    if (token === undefined)
      throw new ImpoundError('server', `registry ${this.#host}: the token service sends no token`)
    return token
  }
}

/** A token goes into a header: what would break out of one is none. */
function tokenOf(body: Buffer): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
  const token = asString(at(parsed, 'token')) ?? asString(at(parsed, 'access_token'))
  return token !== undefined && /^[\x21-\x7e]+$/.test(token) ? token : undefined
}

async function bounded(answer: Answer, limit: number, url: URL, signal: AbortSignal): Promise<Buffer> {
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

function needsCredentials(host: string, scheme: string): ImpoundError {
  return new ImpoundError(
    'forbidden',
    `registry ${host} wants credentials (${scheme}); it was asked without`,
    {
      hints: [`ask a mirror that serves it to anybody: --registry ${host}=URL`],
    },
  )
}

function statusError(status: number, host: string, what: string): ImpoundError {
  const details = { httpStatus: status }
  if (status === 401) return needsCredentials(host, 'its token was not enough')
  if (status === 403) return new ImpoundError('forbidden', `registry ${host} refuses ${what} (403)`, details)
  if (status === 404) return new ImpoundError('not-found', `registry ${host} has no ${what}`, details)
  if (status === 429)
    return new ImpoundError('throttled', `registry ${host} is asked too often (429)`, details)
  return new ImpoundError('server', `registry ${host} answers ${status} for ${what}`, details)
}
