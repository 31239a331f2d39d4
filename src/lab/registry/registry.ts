import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'

import { deliver } from '../faults/deliver.js'
import type { FaultEffect, Strike } from '../faults/fault.js'
import { Faults } from '../faults/faults.js'
import type { LabImage } from '../types.js'
import { Wire } from '../wire.js'
import type { Answer } from './answer.js'
import { errorAnswer, jsonAnswer } from './answer.js'
import { answerInstead } from './answer-instead.js'
import { BlobStore } from './blob-store.js'
import { contentAnswer, routeOf } from './content.js'
import { type RegistryLogin, Tokens } from './token.js'

export interface LabRegistryRequest {
  /** The registry itself, or the storage that it redirects to. */
  readonly server: 'registry' | 'storage'
  readonly method: string
  /** With query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** 0 where a fault swallowed the answer. */
  readonly status: number
  /** The kind of the fault that struck. */
  readonly fault?: string
}

export interface LabRegistry {
  /** 'http://127.0.0.1:PORT' */
  readonly url: string
  /** Every request so far, in the order of their answers. */
  readonly requests: readonly LabRegistryRequest[]
  /** Lets connections in again that a fault keeps out. */
  accept(): Promise<void>
  close(): Promise<void>
}

export interface LabRegistryOptions {
  /** Ask for this bearer token, which /token gives to everybody. */
  readonly token?: string
  /** Whom alone /token gives it to; everybody, if not said. */
  readonly login?: RegistryLogin
  /** Answer for a blob with a redirect to storage at another host and port. */
  readonly redirectBlobs?: boolean
  /** Whether there is a referrers API; without it a client falls back to the tag scheme. There is, if not said. */
  readonly referrers?: boolean
}

interface RegistryContext {
  readonly images: readonly LabImage[]
  readonly options: LabRegistryOptions
  readonly faults: Faults
  readonly now: () => Date
  readonly tokens: Tokens | undefined
  readonly storage: BlobStore | undefined
  readonly requests: LabRegistryRequest[]
  url: string
}

/**
 * A registry for pulling, in this process, plain http on a port of 127.0.0.1: ping, manifests by tag and digest, blobs
 * whole and in ranges, tags, referrers. Source: OCI distribution specification 1.1.
 */
export async function startLabRegistry(
  images: readonly LabImage[],
  options: LabRegistryOptions = {},
  faults: Faults = new Faults(),
  now: () => Date = () => new Date(),
): Promise<LabRegistry> {
  const context: RegistryContext = {
    ...{ images, options, faults, now, url: '', requests: [] },
    tokens: options.token === undefined ? undefined : new Tokens(options.token, options.login),
    storage: options.redirectBlobs === true ? new BlobStore(images) : undefined,
  }
  const wires = [serve(context, 'registry')]
  if (context.storage !== undefined) wires.push(serve(context, 'storage'))
  await Promise.all(wires.map((wire) => wire.listen()))
  const [registry, storage] = wires
  context.url = `http://127.0.0.1:${registry?.port ?? 0}`
  if (context.storage !== undefined) context.storage.url = `http://localhost:${storage?.port ?? 0}`
  return {
    url: context.url,
    requests: context.requests,
    accept: async () => {
      await Promise.all(wires.map((wire) => wire.accept()))
    },
    close: async () => {
      await Promise.all(wires.map((wire) => wire.close()))
    },
  }
}

function serve(context: RegistryContext, of: LabRegistryRequest['server']): Wire {
  const server: Server = createServer(
    (request, response) => void handle(context, wire, of, request, response),
  )
  const wire = new Wire(server)
  return wire
}

const UNANSWERED: readonly FaultEffect['kind'][] = ['refused', 'reset', 'answer-lost', 'close-without-status']

async function handle(
  context: RegistryContext,
  wire: Wire,
  server: LabRegistryRequest['server'],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url: path = '', headers } = request
  const at = context.now()
  const strike = context.faults.strike({
    ...{ server: 'registry', at: at.toISOString(), method, path },
    ...{ user: '', auditId: '' },
  } as const)
  const kind = strike?.effect.kind
  if (kind === 'token-expired') expireToken(context, strike)
  if (kind === 'clock-jump') strike?.missed('the registry has no clock of its own')
  const answer =
    answerInstead(strike?.effect) ??
    (server === 'registry'
      ? answerTo(context, request)
      : (context.storage?.answer(path, headers) ?? errorAnswer(404, 'UNSUPPORTED', 'no such endpoint')))
  const status = kind !== undefined && UNANSWERED.includes(kind) ? 0 : answer.status
  context.requests.push({
    server,
    method,
    path,
    headers,
    status,
    ...(kind === undefined ? {} : { fault: kind }),
  })
  // a client that hangs up is no fault of the lab's
  await send(response, method, withHeaders(answer, at), strike, wire).catch(() => response.destroy())
}

function expireToken({ tokens }: RegistryContext, strike: Strike | undefined): void {
  if (tokens === undefined) strike?.missed('the registry asks for no token')
  else tokens.expire()
}

function answerTo(context: RegistryContext, request: IncomingMessage): Answer {
  const { tokens, storage, options, images, url } = context
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return errorAnswer(405, 'UNSUPPORTED', 'the lab registry is for pulling only')
  }
  const path = decodePath(request.url ?? '')
  const route = routeOf(path)
  const { accept, range, authorization } = request.headers
  const challenge = tokens?.answer({ url, path, authorization }, route)
  if (challenge !== undefined) return challenge
  if (path === '/v2/' || path === '/v2') return jsonAnswer({})
  if (route === undefined || (route.kind === 'referrers' && options.referrers === false)) {
    return errorAnswer(404, 'UNSUPPORTED', 'no such endpoint')
  }
  const query = new URLSearchParams((request.url ?? '').replace(/^[^?]*\??/, ''))
  const answer = contentAnswer(images, route, { accept, range, query })
  return route.kind === 'blob' && answer.status < 300 && storage !== undefined
    ? storage.redirect(route.reference)
    : answer
}

/** Without query; undecodable escapes name nothing. */
function decodePath(target: string): string {
  try {
    return decodeURIComponent(target.replace(/\?.*$/s, ''))
  } catch {
    return ''
  }
}

function withHeaders(answer: Answer, at: Date): Answer {
  const headers = {
    'docker-distribution-api-version': 'registry/2.0',
    date: at.toUTCString(),
    ...answer.headers,
  }
  return { ...answer, headers }
}

async function send(
  response: ServerResponse,
  method: string,
  answer: Answer,
  strike: Strike | undefined,
  wire: Wire,
): Promise<void> {
  const kind = strike?.effect.kind
  const broken = kind !== undefined && UNANSWERED.includes(kind)
  if (method !== 'HEAD' || broken) {
    await deliver(response, answer, strike, wire)
    return
  }
  const whole = [undefined, 'status', 'html', 'token-expired', 'clock-jump'].includes(kind)
  if (!whole) strike?.missed('the answer to HEAD has no body')
  response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length })
  response.end()
}
