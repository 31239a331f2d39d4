import { constants } from 'node:crypto'
import { ServerResponse, type IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { authorize } from './access/authorize.js'
import type { KeyPair } from './access/certificates.js'
import { refusalAnswer, statusAnswer, withServerHeaders, type Answer } from './api/answer.js'
import { openExec, planExec, runUnseen, type ExecPlan } from './api/exec.js'
import { answer, findResource, managerOf } from './api/router.js'
import { ApiStatus, noSuchPath, notAcceptable, PlainRefusal, tooLarge } from './api/status.js'
import { Exchange, type ExchangeOptions } from './exchange.js'
import { deliver } from './faults/deliver.js'
import { shownBody } from './requests.js'
import { Wire } from './wire.js'

/** The API server's own limit. */
const BODY_LIMIT = 3 * 1024 * 1024

export interface ApiServer {
  readonly url: string
  /** Lets connections in again that a fault keeps out. */
  accept(): Promise<void>
  close(): Promise<void>
}

export interface ApiServerOptions extends ExchangeOptions {
  readonly tls: KeyPair & { readonly authority: string }
}

/** An HTTPS Kubernetes API on a port of 127.0.0.1 that the system chose. */
export async function serveApi(options: ApiServerOptions): Promise<ApiServer> {
  const server = createServer({
    key: options.tls.key,
    cert: options.tls.certificate,
    ca: options.tls.authority,
    requestCert: true,
    rejectUnauthorized: false,
    // a resumed session would not show the client's certificate again
    secureOptions: constants.SSL_OP_NO_TICKET,
    keepAliveTimeout: 60_000,
    // Go's own bound, and so the API server's: an exec carries its script in the address
    maxHeaderSize: 1 << 20,
  })
  const wire = new Wire(server)
  server.on('request', (request, response) => void handle(options, wire, request, response))
  server.on('upgrade', (request, socket, head) => void handleUpgrade(options, wire, request, socket, head))
  await wire.listen()
  return { url: `https://127.0.0.1:${wire.port}`, accept: () => wire.accept(), close: () => wire.close() }
}

async function handle(
  options: ApiServerOptions,
  wire: Wire,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { context } = options
  const exchange = new Exchange(options, request)
  const sent = await answerOrStatus(async () => {
    const instead = exchange.begin()
    if (instead !== undefined) return instead
    const { target, info, identity } = exchange.asked()
    const body = await readBody(request)
    exchange.record.body = shownBody(body)
    if (!acceptsJson(request.headers.accept)) throw notAcceptable()
    return answer(context, {
      target,
      info,
      user: identity.user,
      address: request.headers.host ?? '',
      contentType: (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '',
      manager: managerOf(target.query, request.headers['user-agent']),
      body,
    })
  })
  exchange.answered(sent)
  const headed = withServerHeaders(sent, exchange.record.auditId, context.now())
  // a client that hangs up is no fault of the lab's
  await deliver(response, headed, exchange.strike, wire).catch(() => response.destroy())
}

async function handleUpgrade(
  options: ApiServerOptions,
  wire: Wire,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy())
  // typed as any stream; of an HTTPS server it is a socket
  if (!(socket instanceof Socket)) return
  const exchange = new Exchange(options, request)
  let plan: ExecPlan | undefined
  const refusal = await answerOrStatus(() => {
    const instead = exchange.begin()
    if (instead !== undefined) return instead
    const { target, info, identity } = exchange.asked()
    authorize(identity.user, info, options.context.users)
    const resource = info.kind === 'resource' ? findResource(options.context, info) : undefined
    if (info.kind !== 'resource' || resource === undefined) throw noSuchPath()
    const call = { request: info, resource, user: identity.user, query: target.query }
    plan = planExec(
      options.context,
      { ...call, contentType: '', manager: '', body: Buffer.alloc(0), warnings: [] },
      request,
    )
    return { status: 101, headers: {}, body: Buffer.alloc(0) }
  })
  exchange.answered(refusal)
  if (plan !== undefined) {
    if (exchange.strike?.effect.kind === 'answer-lost') {
      await runUnseen(plan)
      socket.destroy()
      return
    }
    openExec({ request, socket, head }, plan, exchange.strike)
    return
  }
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.end())
  const headed = withServerHeaders(refusal, exchange.record.auditId, options.context.now())
  await deliver(response, headed, exchange.strike, wire).catch(() => socket.destroy())
}

async function answerOrStatus(handler: () => Answer | Promise<Answer>): Promise<Answer> {
  try {
    return await handler()
  } catch (error) {
    if (error instanceof ApiStatus) return statusAnswer(error)
    if (error instanceof PlainRefusal) return refusalAnswer(error)
    const message = error instanceof Error ? error.message : String(error)
    return statusAnswer(new ApiStatus(500, 'InternalError', `Internal error occurred: ${message}`))
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_LIMIT) throw tooLarge(BODY_LIMIT)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function acceptsJson(accept: string | undefined): boolean {
  return accept === undefined || /(?:application\/(?:json|\*)|\*\/\*|text\/)/.test(accept)
}
