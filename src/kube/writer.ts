import type { WriteIntent, WriteOutcome } from '../model/acquisition.js'
import type { ApiPath } from '../model/api-path.js'
import { ImpoundError, messageOf } from '../model/errors.js'
import { asArray, asString, at, type Json } from '../model/json.js'
import type { RawResponse } from '../model/ports/kube-reader.js'
import type { Journal, JsonPatch, KubeWriter, WriteOptions } from '../model/ports/kube-writer.js'
import { type Client, type ClientRequest, ONE_TRY, succeeded, wirePath } from './client.js'
import { abortReason } from './transport-error.js'

/**
 * All that API servers say of a JSON Patch that does not apply, whichever operation failed; the patch library's words
 * they keep to themselves (apiserver, endpoints/handlers/patch.go; seen on 1.20). An object that fails validation is
 * named instead: 'Pod "x" is invalid'.
 */
const PATCH_FAILED = /^the server rejected our request due to an error in our request/

const MANAGER = { fieldManager: 'impound' }

/** Writes over {@link Client}: each is sent once, its intent on disk before and its result after. */
export class ApiWriter implements KubeWriter {
  readonly #client: Client
  readonly #journal: Journal

  constructor(client: Client, journal: Journal) {
    this.#client = client
    this.#journal = journal
  }

  create(path: ApiPath, body: Json, options: WriteOptions): Promise<RawResponse> {
    return this.#write('POST', path, body, 'application/json', MANAGER, options)
  }

  patch(path: ApiPath, patch: JsonPatch, options: WriteOptions): Promise<RawResponse> {
    return this.#write('PATCH', path, patch, 'application/json-patch+json', MANAGER, options)
  }

  delete(path: ApiPath, options: WriteOptions & { readonly uid?: string }): Promise<RawResponse> {
    // a body makes the API server pass over the query of a delete: dryRun must stand in here, or it is none
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
      ...(options.dryRun === true ? { dryRun: ['All'] } : {}),
    }
    return this.#write('DELETE', path, body, 'application/json', {}, options)
  }

  async #write(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: ApiPath,
    body: Json,
    contentType: string,
    query: Readonly<Record<string, string>>,
    options: WriteOptions,
  ): Promise<RawResponse> {
    const { transport, authentication } = this.#client.options
    const dryRun = options.dryRun === true
    const auditId = transport.newAuditId()
    const request: ClientRequest = {
      method,
      path,
      query: { ...query, ...(dryRun ? { dryRun: 'All' } : {}) },
      body: Buffer.from(JSON.stringify(body)),
      contentType,
      auditId,
      signal: options.signal,
    }
    if (options.signal.aborted) throw abortReason(options.signal)
    if (dryRun) return this.#answered(request, body, await this.#client.ask(request, ONE_TRY))
    // what can fail before anything is sent must fail before the intent is written
    await authentication.credentials(options.signal)
    const intent: WriteIntent = {
      id: auditId,
      action: options.action,
      step: options.step,
      method,
      path: transport.fullPath(wirePath(request)),
      body,
      auditId,
      ...(options.prior === undefined ? {} : { prior: options.prior }),
      ...(options.target === undefined ? {} : { target: options.target }),
    }
    await this.#journal.intent(intent)
    return this.#answered(request, body, await this.#sendOnce(request, intent))
  }

  async #sendOnce(request: ClientRequest, intent: WriteIntent): Promise<RawResponse> {
    const { id } = intent
    if (request.signal.aborted) {
      await this.#journal.result({ id, error: 'not sent: interrupted' })
      throw abortReason(request.signal)
    }
    let response: RawResponse
    try {
      response = await this.#client.ask(request, ONE_TRY)
    } catch (error) {
      await this.#journal.result({ id, error: messageOf(error) })
      throw error
    }
    await this.#journal.result(this.#outcome(intent, request, response))
    return response
  }

  #outcome({ id, body = null }: WriteIntent, request: ClientRequest, response: RawResponse): WriteOutcome {
    const error = this.#failure(request, body, response)
    if (error !== undefined) return { id, status: response.status, error: error.message }
    const metadata = writtenMetadata(response)
    const resourceVersion = asString(at(metadata, 'resourceVersion'))
    const uid = asString(at(metadata, 'uid'))
    return {
      id,
      status: response.status,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(uid === undefined ? {} : { uid }),
    }
  }

  #answered(request: ClientRequest, body: Json, response: RawResponse): RawResponse {
    const error = this.#failure(request, body, response)
    if (error !== undefined) throw error
    return response
  }

  /** Undefined where it is done. */
  #failure(request: ClientRequest, body: Json, response: RawResponse): ImpoundError | undefined {
    const what = `${request.method} ${wirePath({ path: request.path })}`
    const details = { httpStatus: response.status, hints: ['Look at the object again before you go on.'] }
    if (succeeded(response)) {
      // a log-in page answers 200 too
      if (at(parsed(response), 'kind') !== undefined) return undefined
      return new ImpoundError(
        'server',
        `${what}: the answer is no Kubernetes API's; whether it was written is not known.`,
        details,
      )
    }
    const cause = this.#client.failure(request, response)
    const tests = request.method === 'PATCH' && asArray(body).some((step) => at(step, 'op') === 'test')
    if (!tests || response.status !== 422 || !PATCH_FAILED.test(cause.message)) return cause
    return new ImpoundError(
      'conflict',
      `${what}: the object is not as the patch expects: a test failed, or a path is missing.`,
      { ...details, cause },
    )
  }
}

function parsed(response: RawResponse): unknown {
  try {
    return JSON.parse(response.body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** Of the object as stored; a delete may answer with a Status, whose details name the object. */
function writtenMetadata(response: RawResponse): unknown {
  const body = parsed(response)
  return at(body, 'kind') === 'Status' ? at(body, 'details') : at(body, 'metadata')
}
