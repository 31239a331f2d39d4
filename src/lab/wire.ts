import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** The port of one of the lab's servers on 127.0.0.1, and the connections on it. */
export class Wire {
  readonly #server: Server
  /** By the client's port: a TLS socket does not give its TCP socket away. */
  readonly #connections = new Map<number, Socket>()
  #port = 0
  #refusing: NodeJS.Timeout | undefined

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      const { remotePort } = socket
      if (remotePort === undefined) return
      this.#connections.set(remotePort, socket)
      socket.once('close', () => this.#connections.delete(remotePort))
    })
  }

  get port(): number {
    return this.#port
  }

  /** Resolves when the server listens, on a port that the system chose. */
  async listen(): Promise<void> {
    await this.#listenOn(0)
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Breaks a connection by RST, whatever layer the given socket is of. */
  reset(of: { readonly remotePort?: number | undefined } | null): void {
    const socket = this.#connections.get(of?.remotePort ?? -1)
    if (socket === undefined) return
    // with unread input waiting, this too ends as an RST
    socket.resetAndDestroy()
  }

  /** Breaks every connection, and lets the system refuse new ones for so long. */
  refuse(ms: number): void {
    if (this.#refusing !== undefined) return
    this.#server.close()
    for (const socket of this.#connections.values()) socket.resetAndDestroy()
    this.#refusing = setTimeout(() => void this.accept(), ms).unref()
  }

  /** Ends a refusal before its time. */
  async accept(): Promise<void> {
    if (this.#refusing === undefined) return
    clearTimeout(this.#refusing)
    this.#refusing = undefined
    if (!this.#server.listening) await this.#listenOn(this.#port)
  }

  async close(): Promise<void> {
    clearTimeout(this.#refusing)
    this.#refusing = undefined
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#connections.values()) socket.destroy()
    await closed
  }

  #listenOn(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }
}
