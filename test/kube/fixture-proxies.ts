import { createServer, type Server as HttpServer } from 'node:http'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net'
import type { Duplex } from 'node:stream'

/** A proxy on 127.0.0.1 that remembers where it was asked to go. */
export interface FixtureProxy {
  readonly address: string
  readonly asked: readonly string[]
  close(): Promise<void>
}

/**
 * HTTP CONNECT (RFC 9110 9.3.6), with Basic authentication where `credentials` ('user:password') are given. Any name leads to
 * 127.0.0.1.
 */
export async function connectProxy(credentials?: string): Promise<FixtureProxy> {
  const asked: string[] = []
  const server = createServer()
  server.on('connect', (request, client, head) => {
    const basic = `Basic ${Buffer.from(credentials ?? '').toString('base64')}`
    if (credentials !== undefined && request.headers['proxy-authorization'] !== basic) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n')
      return
    }
    asked.push(request.url ?? '')
    join(client, Number((request.url ?? '').split(':').at(-1)), () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      return head
    })
  })
  return listening(server, asked)
}

/** SOCKS 5 without authentication (RFC 1928). */
export async function socksProxy(): Promise<FixtureProxy> {
  const asked: string[] = []
  const server = createTcpServer((client) => {
    client.on('error', () => client.destroy())
    client.once('data', () => {
      client.write(Buffer.from([5, 0]))
      client.once('data', (request: Buffer) => {
        const name = request[3] === 3
        const length = name ? (request[4] ?? 0) : 4
        const start = name ? 5 : 4
        const address = request.subarray(start, start + length)
        const port = request.readUInt16BE(start + length)
        asked.push(`${name ? address.toString() : [...address].join('.')}:${port}`)
        join(client, port, () => {
          client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
          return Buffer.alloc(0)
        })
      })
    })
  })
  return listening(server, asked)
}

function join(client: Duplex, port: number, opened: () => Buffer): void {
  const upstream: Socket = connect(port, '127.0.0.1', () => {
    upstream.write(opened())
    upstream.pipe(client).pipe(upstream)
  })
  upstream.on('error', () => client.destroy())
  client.on('error', () => upstream.destroy())
  client.on('close', () => upstream.destroy())
}

async function listening(server: HttpServer | Server, asked: string[]): Promise<FixtureProxy> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
