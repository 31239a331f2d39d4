import { ImpoundError, isCode, messageOf } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import { classesOf } from './address.js'
import { parseChallenge } from './challenge.js'
import type { Credential, CredentialSource } from './credential.js'
import { boundedBody, type RegistryHttp } from './http.js'

const TOKEN_LIMIT = 1 << 20

export interface AuthorizerOptions {
  /** As references name it. */
  readonly host: string
  readonly address: URL
  /** The name that credentials for the address are kept under: the host's, unless a mirror is asked in its place. */
  readonly server: string
  /** Where credentials are looked for once the registry wants some, in this order. */
  readonly credentials: readonly CredentialSource[]
  readonly notice: (line: string) => void
}

/** Answers a registry's challenge: with credentials where some are known for it, else with a token that anybody gets. */
export class Authorizer {
  readonly #http: RegistryHttp
  readonly #options: AuthorizerOptions
  readonly #host: string
  readonly #shown = new Map<string, string>()

  constructor(http: RegistryHttp, options: AuthorizerOptions) {
    this.#http = http
    this.#options = options
    this.#host = options.host
  }

  /** Whose credentials the registry was shown for a repository; undefined where none were. */
  shownFor(repository: string): string | undefined {
    return this.#shown.get(repository)
  }

  /**
   * The Authorization header for pulling from a repository. `challenge` is what the registry said in WWW-Authenticate. Throws
   * `forbidden` where credentials are wanted that we have not, `refused` where they would be sent in the clear.
   */
  async header(repository: string, challenge: string, signal: AbortSignal): Promise<string> {
    const wanted = parseChallenge(challenge)
    const credential = await this.#find(repository, signal)
    if (credential?.kind === 'bearer') {
      if (!isToken(credential.token))
        throw new ImpoundError('configuration', `the token for registry ${this.#host} is none`)
      return `Bearer ${credential.token}`
    }
    if (wanted.scheme === 'basic') {
      if (credential?.kind === 'basic') return basic(credential)
      throw this.needsCredentials('basic', repository)
    }
    const realm = wanted.scheme === 'bearer' ? URL.parse(wanted.realm) : null
    if (wanted.scheme !== 'bearer' || realm === null)
      throw this.needsCredentials(wanted.scheme === 'other' ? wanted.name : 'bearer', repository)
    this.#http.checkForeign(realm)
    if (credential !== undefined) await this.#checkPrivate(realm)
    return `Bearer ${await this.#token(repository, realm, wanted.service, credential, signal)}`
  }

  needsCredentials(scheme: string, repository: string): ImpoundError {
    const from = this.#shown.get(repository)
    return new ImpoundError(
      'forbidden',
      from === undefined
        ? `registry ${this.#host} wants credentials (${scheme}); none are known for it`
        : `registry ${this.#host} does not take the credentials from ${from} (${scheme})`,
      {
        hints: [
          'name a docker configuration that has them: --registry-config FILE',
          'use those that the pod itself has: --use-pull-secrets',
          `ask a mirror that serves it to anybody: --registry ${this.#host}=URL`,
        ],
      },
    )
  }

  /** Source: the distribution project's token specification; a refresh token goes by its OAuth2 variant. */
  async #token(
    repository: string,
    realm: URL,
    service: string | undefined,
    credential: Credential | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const query = new URLSearchParams({
      ...(service === undefined ? {} : { service }),
      scope: `repository:${repository}:pull`,
    })
    const answer = await this.#http.ask(
      credential?.kind === 'identity'
        ? refresh(realm, query, credential.token, signal)
        : {
            method: 'GET',
            url: withQuery(realm, query),
            headers: credential?.kind === 'basic' ? { authorization: basic(credential) } : {},
            signal,
          },
    )
    const { statusCode } = answer
    const body = await boundedBody(answer, TOKEN_LIMIT, realm, signal)
    if ([400, 401, 403].includes(statusCode)) throw this.needsCredentials('bearer', repository)
    const token = statusCode === 200 ? tokenOf(body) : undefined
    if (token === undefined) {
      throw new ImpoundError(
        'server',
        `registry ${this.#host}: the token service sends no token (${statusCode})`,
      )
    }
    return token
  }

  /** Of the first source that has something. One that fails is told of and passed over: another may do. */
  async #find(repository: string, signal: AbortSignal): Promise<Credential | undefined> {
    const { credentials, server, notice, address } = this.#options
    for (const source of credentials) {
      try {
        const credential = await source.find(server, repository, signal)
        if (credential === undefined) continue
        await this.#checkPrivate(address)
        if (this.#shown.get(repository) !== source.name)
          notice(`registry ${this.#host} is shown credentials from ${source.name}`)
        this.#shown.set(repository, source.name)
        return credential
      } catch (error) {
        if (signal.aborted || isCode(error, 'refused')) throw error
        notice(`${source.name} has nothing for registry ${this.#host}: ${messageOf(error)}`)
      }
    }
    return undefined
  }

  /** Throws `refused` where credentials could be read on their way: plain http that leaves this machine. */
  async #checkPrivate(url: URL): Promise<void> {
    if (url.protocol === 'https:') return
    const classes = await classesOf(url.hostname).catch(() => new Set(['public' as const]))
    if ([...classes].every((kind) => kind === 'loopback')) return
    throw new ImpoundError(
      'refused',
      `registry ${this.#host} wants credentials over plain http: they are not sent`,
      { hints: [`ask it by https: --registry ${this.#host}=https://${url.host}`] },
    )
  }
}

function withQuery(realm: URL, query: URLSearchParams): URL {
  const url = new URL(realm)
  for (const [key, value] of query) url.searchParams.set(key, value)
  return url
}

function refresh(
  realm: URL,
  query: URLSearchParams,
  token: string,
  signal: AbortSignal,
): Parameters<RegistryHttp['ask']>[0] {
  const form = new URLSearchParams(query)
  form.set('grant_type', 'refresh_token')
  form.set('client_id', 'impound')
  form.set('refresh_token', token)
  return {
    method: 'POST',
    url: realm,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    signal,
  }
}

/** RFC 7617. */
function basic({ username, password }: Extract<Credential, { readonly kind: 'basic' }>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** A token goes into a header: what would break out of one is none. */
function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function tokenOf(body: Buffer): string | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
  const token = asString(at(parsed, 'token')) ?? asString(at(parsed, 'access_token'))
  return token !== undefined && isToken(token) ? token : undefined
}
