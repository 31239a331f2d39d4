import { constants, randomUUID } from 'node:crypto'
import { ServerResponse, type IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:https'
import { Socket, type AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

import { authenticate } from './access/authenticate.js'
import { authorize } from './access/authorize.js'
import type { KeyPair } from './access/certificates.js'
import { refusalAnswer, statusAnswer, type Answer } from './api/answer.js'
import type { ApiContext } from './api/call.js'
import { openExec, planExec, type ExecPlan } from './api/exec.js'
import { parseTarget, requestInfo } from './api/request-info.js'
import { answer, findResource, managerOf } from './api/router.js'
import { ApiStatus, noSuchPath, notAcceptable, PlainRefusal, tooLarge } from './api/status.js'
import { deliver } from './faults/deliver.js'
import type { FaultEffect, Faults } from './faults/faults.js'
import { answerInstead } from './faults/strike-answer.js'
import { shownBody, type OpenRequest } from './requests.js'

/** The API server's own limit. */
const BODY_LIMIT = 3 * 1024 * 1024

export interface ApiServer {
  readonly url: string
  close(): Promise<void>
}

export interface ApiServerOptions {
  readonly context: ApiContext
  readonly tls: KeyPair & { readonly authority: string }
  readonly faults: Faults
  /** Told when a request comes in; the entry is completed until its answer is out. */
  onRequest(request: OpenRequest): void
  /** Told when an answer is out, or a stream open. */
  onAnswer(request: OpenRequest): void
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
  })
  const sockets = new Set<Duplex>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request, response) => void handle(options, request, response))
  server.on('upgrade', (request, socket, head) => void handleUpgrade(options, request, socket, head))
  const port = await listen(server)
  return {
    url: `https://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

async function handle(
  options: ApiServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { context } = options
  const record = open(options, request)
  let effect: FaultEffect | undefined
  const sent = await answerOrStatus(async () => {
    const { target, user } = identify(options, request, record)
    effect = struck(options, record)
    const instead = answerInstead(effect)
    if (instead !== undefined || effect?.kind === 'reset') return instead ?? statusAnswer(noSuchPath())
    const body = await readBody(request)
    record.body = shownBody(body)
    if (!acceptsJson(request.headers.accept)) throw notAcceptable()
    return answer(context, {
      target,
      info: requestInfo(record.method, target),
      user,
      address: request.headers.host ?? '',
      contentType: (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '',
      manager: managerOf(target.query, request.headers['user-agent']),
      body,
    })
  })
  if (effect?.kind !== 'reset' && effect?.kind !== 'answer-lost') record.status = sent.status
  options.onAnswer(record)
  // a client that hangs up is no fault of the lab's
  await deliver(response, sent, record.auditId, effect).catch(() => response.destroy())
}

async function handleUpgrade(
  options: ApiServerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  socket.on('error', () => socket.destroy())
  // typed as any stream; of an HTTPS server it is a socket
  if (!(socket instanceof Socket)) return
  const record = open(options, request)
  let effect: FaultEffect | undefined
  let plan: ExecPlan | undefined
  const refusal = await answerOrStatus(() => {
    const { target, user } = identify(options, request, record)
    effect = struck(options, record)
    const instead = answerInstead(effect)
    if (instead !== undefined) return instead
    const info = requestInfo('GET', target)
    authorize(user, info, options.context.users)
    const resource = info.kind === 'resource' ? findResource(options.context, info) : undefined
    if (info.kind !== 'resource' || resource === undefined) throw noSuchPath()
    const call = { request: info, resource, user, query: target.query }
    plan = planExec(
      options.context,
      { ...call, contentType: '', manager: '', body: Buffer.alloc(0) },
      request,
    )
    return statusAnswer(noSuchPath())
  })
  if (effect?.kind === 'reset' || effect?.kind === 'answer-lost') {
    options.onAnswer(record)
    socket.destroy()
    return
  }
  record.status = plan === undefined ? refusal.status : 101
  options.onAnswer(record)
  if (plan !== undefined) {
    openExec({ request, socket, head }, plan, effect)
    return
  }
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.end())
  await deliver(response, refusal, record.auditId, effect).catch(() => socket.destroy())
}

function open(options: ApiServerOptions, request: IncomingMessage): OpenRequest {
  const record: OpenRequest = {
    at: options.context.now().toISOString(),
    method: request.method ?? '',
    path: request.url ?? '',
    user: '',
    auditId: request.headersDistinct['audit-id']?.[0] ?? randomUUID(),
    status: 0,
    dryRun: /[?&]dryRun=All(?:&|$)/.test(request.url ?? ''),
    body: '',
  }
  options.onRequest(record)
  return record
}

function identify(options: ApiServerOptions, request: IncomingMessage, record: OpenRequest) {
  const user = authenticate(request, options.context.users)
  record.user = user.name
  return { user, target: parseTarget(record.path) }
}

function struck(options: ApiServerOptions, record: OpenRequest): FaultEffect | undefined {
  const effect = options.faults.strike(record)
  if (effect !== undefined) record.fault = effect.kind
  return effect
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
