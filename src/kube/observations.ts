import { createHash, type X509Certificate } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { TLSSocket } from 'node:tls'

import { at } from '../model/json.js'

const MAX_SAMPLES = 1000
const MAX_CHAIN = 16
const CONNECTED = 'undici:client:connected'

export interface ClockSample {
  readonly min: number
  readonly max: number
}

/** What was seen of the server on the way: certificates, its clock, how often it was asked. */
export class Observations {
  readonly #chain = new Set<string>()
  readonly #samples: ClockSample[] = []
  readonly #host: string
  #requests = 0

  /** `host` with port, as in a URL: whose connections are looked at. */
  constructor(host: string) {
    this.#host = host
    // behind a proxy the socket is seen nowhere else
    subscribe(CONNECTED, this.#onConnected)
  }

  readonly #onConnected = (message: unknown): void => {
    const socket = at(message, 'socket')
    if (at(message, 'connectParams', 'host') === this.#host && socket instanceof TLSSocket)
      this.certificates(socket)
  }

  close(): void {
    unsubscribe(CONNECTED, this.#onConnected)
  }

  requestSent(): void {
    this.#requests += 1
  }

  /**
   * What the Date header says of the two clocks. The server stamped whole seconds between our sending and our seeing the
   * head, so server minus local lies in [date - seen, date + 1 s - sent].
   */
  responseSeen(date: string | undefined, sentAt: Date, seenAt: Date): void {
    const server = Date.parse(date ?? '')
    if (Number.isNaN(server)) return
    this.#samples.push({ min: server - seenAt.getTime(), max: server + 1000 - sentAt.getTime() })
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift()
  }

  /** Keeps what the server showed: a resumed session shows the leaf alone, so chains add up. */
  certificates(socket: TLSSocket): void {
    let certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
    for (let depth = 0; certificate !== undefined && depth < MAX_CHAIN; depth += 1) {
      if (this.#chain.size < MAX_CHAIN)
        this.#chain.add(createHash('sha256').update(certificate.raw).digest('hex'))
      certificate = certificate.issuerCertificate
    }
  }

  readonly tlsChainSha256 = (): readonly string[] => [...this.#chain]
  readonly clockSamples = (): readonly ClockSample[] => [...this.#samples]
  readonly requestCount = (): number => this.#requests
}
