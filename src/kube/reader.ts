import type { AccessRule, ApiPath } from '../model/api-path.js'
import { ImpoundError } from '../model/errors.js'
import { asString, at } from '../model/json.js'
import type {
  AccessAnswer,
  Identity,
  KubeReader,
  RawResponse,
  ReadOptions,
  ServerFacts,
} from '../model/ports/kube-reader.js'
import { askAccess, askIdentity } from './access-review.js'
import { notJson } from './api-error.js'
import { type Client, succeeded, THREE_TRIES, wirePath } from './client.js'
import { discover, type Discovery } from './discovery.js'

const PAGE_LIMIT = '500'
/** A million objects: past it the server is leading us on. */
const MAX_PAGES = 2000

/** Reads over {@link Client}: raw bodies, checked to be what was asked for, never changed. */
export class ApiReader implements KubeReader {
  readonly facts: ServerFacts
  readonly #client: Client
  #discovery: Promise<Discovery> | undefined

  constructor(client: Client, facts: ServerFacts) {
    this.#client = client
    this.facts = facts
  }

  async get(path: ApiPath | string, options: ReadOptions): Promise<RawResponse> {
    const { response } = await this.#read(path, options)
    return response
  }

  async *list(path: ApiPath | string, options: ReadOptions): AsyncGenerator<RawResponse, void, undefined> {
    let token = ''
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const query = { limit: PAGE_LIMIT, ...options.query, ...(token === '' ? {} : { continue: token }) }
      const { response, json } = await this.#read(path, { ...options, query })
      yield response
      const next = asString(at(json, 'metadata', 'continue')) ?? ''
      if (next === '') return
      if (next === token) throw this.#endless(path, 'repeats the same page')
      token = next
    }
    throw this.#endless(path, `has more than ${MAX_PAGES} pages`)
  }

  async discover(signal: AbortSignal): Promise<Discovery> {
    this.#discovery ??= discover(this.#client, signal)
    try {
      return await this.#discovery
    } catch (error) {
      this.#discovery = undefined
      throw error
    }
  }

  canI(rule: AccessRule, signal: AbortSignal): Promise<AccessAnswer> {
    return askAccess(this.#client, rule, signal)
  }

  async whoAmI(signal: AbortSignal): Promise<Identity | undefined> {
    const { resources } = await this.discover(signal)
    return askIdentity(this.#client, resources, signal)
  }

  async #read(
    path: ApiPath | string,
    options: ReadOptions,
  ): Promise<{ readonly response: RawResponse; readonly json: unknown }> {
    const request = { method: 'GET', path, ...options } as const
    const response = await this.#client.ask(request, THREE_TRIES)
    if (!succeeded(response)) throw this.#client.failure(request, response)
    const wantsJson = (options.accept ?? 'application/json').includes('json')
    return { response, json: wantsJson ? this.#parse(path, response) : undefined }
  }

  #parse(path: ApiPath | string, response: RawResponse): unknown {
    const type = response.headers['content-type']
    try {
      if (type?.includes('json') === true) return JSON.parse(response.body.toString('utf8'))
    } catch {
      // said below: a body cut by a proxy looks whole to HTTP
    }
    throw notJson(`GET ${wirePath({ path })}`, type, this.facts.url)
  }

  #endless(path: ApiPath | string, what: string): ImpoundError {
    return new ImpoundError('too-big', `GET ${wirePath({ path })}: the list ${what}.`, {
      hints: ['Something between here and the API server may not pass the continue token on.'],
    })
  }
}
