import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { generate } from 'selfsigned'
import { type WebSocket, WebSocketServer } from 'ws'

import type { Clock } from '../../src/model/ports/run-context.js'
import { connect, type ConnectOptions, type KubeConnection } from '../../src/kube/connect.js'

interface Authority {
  readonly certificate: string
  readonly key: string
}

export interface ServerCertificate extends Authority {
  readonly authority: Authority
}

/** A CA, and a certificate of it for 127.0.0.1; `offset` shifts its year of validity, in days. */
export async function makeCertificate(
  offset = 0,
  host: { readonly ip: string } | { readonly value: string } = { ip: '127.0.0.1' },
): Promise<ServerCertificate> {
  const day = 24 * 60 * 60 * 1000
  const from = new Date(Date.now() - day + offset * day)
  const dates = { notBeforeDate: from, notAfterDate: new Date(from.getTime() + 365 * day) }
  const shared = { keyType: 'ec', algorithm: 'sha256', ...dates } as const
  const ca = await generate([{ name: 'commonName', value: 'fixture-ca' }], {
    ...shared,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true },
    ],
  })
  const leaf = await generate([{ name: 'commonName', value: 'fixture' }], {
    ...shared,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      {
        name: 'subjectAltName',
        altNames: ['ip' in host ? { type: 7, ip: host.ip } : { type: 2, value: host.value }],
      },
    ],
  })
  return {
    certificate: leaf.cert,
    key: leaf.private,
    authority: { certificate: ca.cert, key: ca.private },
  }
}

/** A client certificate that the CA of a fixture signed. */
export async function makeClientCertificate(
  { authority }: ServerCertificate,
  commonName: string,
): Promise<Authority> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.key, cert: authority.certificate },
    extensions: [{ name: 'extKeyUsage', clientAuth: true }],
  })
  return { certificate: made.cert, key: made.private }
}

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Answer = (request: Seen, response: ServerResponse, socket: Socket) => void | Promise<void>

/** An https server that answers as a test scripts it, and remembers what it was asked. */
export class FixtureServer {
  readonly seen: Seen[] = []
  answer: Answer = (_request, response) => json(response, 404, status(404, 'nothing is scripted'))
  /** What an upgrade gets; absent: an ordinary answer by `answer`. */
  socket: ((socket: WebSocket, request: IncomingMessage) => void) | undefined
  /** Which subprotocol is chosen; false: none. */
  protocol: (offered: Set<string>) => string | false = (offered) => [...offered][0] ?? false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(
    { certificate, key, authority }: ServerCertificate,
    { clientCertificates = false }: { readonly clientCertificates?: boolean } = {},
  ) {
    this.#server = createServer({
      ...(clientCertificates
        ? { requestCert: true, rejectUnauthorized: true, ca: authority.certificate }
        : {}),
      cert: `${certificate}\n${authority.certificate}`,
      key,
      shouldUpgradeCallback: () => this.socket !== undefined,
    })
    this.#server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('request', (request, response) => void this.#handle(request, response))
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const seen = this.#remember(request, Buffer.concat(chunks).toString('utf8'))
    response.on('error', () => undefined)
    await this.answer(seen, response, request.socket)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#remember(request, '')
    const wss = new WebSocketServer({ noServer: true, handleProtocols: (offered) => this.protocol(offered) })
    wss.handleUpgrade(request, socket, head, (accepted) => this.socket?.(accepted, request))
  }

  #remember(request: IncomingMessage, body: string): Seen {
    const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
    this.seen.push(seen)
    return seen
  }
}

export function json(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

export function status(code: number, message: string, more: Readonly<Record<string, unknown>> = {}): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code, ...more }
}

/** Time goes on by itself, but nobody waits: what was slept is written down. */
export function hastyClock(slept: number[] = []): Clock {
  return {
    now: () => new Date(),
    monotonic: () => performance.now(),
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      slept.push(ms)
    },
  }
}

export interface FixtureUser {
  readonly [key: string]: unknown
}

/** A kubeconfig as JSON, which is YAML. */
export function kubeconfigFor(
  server: string,
  authority: string | undefined,
  user: FixtureUser = { token: 'secret-token' },
  cluster: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'fixture',
        cluster: {
          server,
          ...(authority === undefined
            ? {}
            : { 'certificate-authority-data': Buffer.from(authority).toString('base64') }),
          ...cluster,
        },
      },
    ],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'fixture', context: { cluster: 'fixture', user: 'me', namespace: 'shop' } }],
    'current-context': 'fixture',
  })
}

/** Files and connections of one test, all gone after {@link Bench.clear}. */
export class Bench {
  readonly notices: string[] = []
  readonly slept: number[] = []
  readonly #connections: KubeConnection[] = []
  readonly #folders: string[] = []

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'impound-kube-'))
    this.#folders.push(folder)
    return folder
  }

  async connect(kubeconfig: string, more: Partial<ConnectOptions> = {}): Promise<KubeConnection> {
    const file = join(await this.folder(), 'config')
    await writeFile(file, kubeconfig)
    const connection = await connect({
      kubeconfig: file,
      requestTimeoutMs: 60_000,
      clock: hastyClock(this.slept),
      random: (bytes) => randomBytes(bytes),
      notice: (line) => this.notices.push(line),
      ...more,
    })
    this.#connections.push(connection)
    return connection
  }

  async clear(): Promise<void> {
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close()))
    await Promise.all(this.#folders.splice(0).map((folder) => rm(folder, { recursive: true })))
    this.notices.length = 0
    this.slept.length = 0
  }
}
