import { ImpoundError } from '../model/errors.js'
import type { Clock } from '../model/ports/run-context.js'
import type { RawResponse } from '../model/ports/kube-reader.js'
import { deadline } from './deadline.js'
import { abortReason, cutError, timeoutError } from './transport-error.js'
import type { Transport, WireRequest, WireResponse } from './transport.js'

/** What a whole body may hold by default, in bytes. */
export const MAX_BODY = 64 * 1024 * 1024

export interface ExchangeLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
  readonly clock: Clock
}

/**
 * One request and its whole answer, of whatever status. Throws unreachable, cut, too-big, timeout, server, or what aborted
 * the signal.
 */
export async function exchange(
  transport: Transport,
  request: WireRequest,
  { timeoutMs, maxBytes, clock }: ExchangeLimits,
): Promise<RawResponse> {
  const limit = deadline(timeoutMs, request.signal)
  const what = `${request.method} ${request.path}`
  try {
    const response = await transport.send({ ...request, signal: limit.signal })
    const body = await readBody(response, what, maxBytes)
    return {
      method: request.method,
      path: response.path,
      auditId: response.auditId,
      status: response.status,
      headers: response.headers,
      body,
      startedAt: response.startedAt,
      endedAt: clock.now().toISOString(),
    }
  } catch (error) {
    if (request.signal.aborted) throw abortReason(request.signal)
    throw limit.expired() ? timeoutError(what, timeoutMs) : error
  } finally {
    limit.clear()
  }
}

/** The body to its end mark; throws `cut` where it ends without, `too-big` past the bound, `server` where it is encoded. */
export async function readBody(response: WireResponse, what: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // an encoding nobody asked for: the bytes would not be what the server meant
    if (!['', 'identity'].includes(response.headers['content-encoding'] ?? ''))
      throw new ImpoundError('server', `${what}: the answer has an encoding that was not asked for.`)
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > maxBytes)
        throw new ImpoundError('too-big', `${what}: the answer is larger than ${maxBytes} bytes.`)
      chunks.push(chunk)
    }
  } catch (cause) {
    response.body.destroy()
    throw cause instanceof ImpoundError ? cause : cutError(cause, what, bytes)
  }
  if (!hasEndMark(response)) throw cutError(undefined, what, bytes)
  return Buffer.concat(chunks)
}

/** Whether the framing says where the body ends; one that ends with its connection may have been cut anywhere. */
export function hasEndMark({ headers, status }: WireResponse): boolean {
  return (
    status === 204 ||
    status === 304 ||
    'content-length' in headers ||
    (headers['transfer-encoding'] ?? '').toLowerCase().includes('chunked')
  )
}
