import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Writable } from 'node:stream'

import type { RawData, WebSocket } from 'ws'

import { ImpoundError, messageOf } from '../model/errors.js'
import type { ExecOutcome, StreamOptions } from '../model/ports/streams.js'
import { readExecStatus } from './exec-status.js'
import { FLOOR_BYTES, RateFloor, WINDOW_STALLS } from './rate-floor.js'
import { SinkFeed } from './sink-feed.js'
import { StallTimer } from './stall-timer.js'
import { abortReason, cutError } from './transport-error.js'

export interface ExecSinks {
  readonly stdout: Writable
  readonly stderr: Writable
}

export interface HandshakeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface ExecStreamContext {
  /** Why there is no connection. */
  readonly unreachable: (cause: unknown) => ImpoundError
  /** What an answer means that is no upgrade. */
  readonly refused: (answer: HandshakeAnswer) => ImpoundError
  readonly observed: (socket: TLSSocket) => void
}

/** Channels of remotecommand v4 and v5: the first byte of a message. */
const CHANNEL = { stdout: 1, stderr: 2, status: 3 }
const PING_MS = 20_000
/** Once the status is there, how long a server that doesn't close may stay silent. */
const LINGER_MS = 5_000
const MAX_STATUS = 64 * 1024
const MAX_REFUSAL = 64 * 1024

/** One exec's socket, from the handshake to its one outcome. */
export class ExecStream {
  /** Settles exactly once; by then no timer, listener or socket of this stream is left. */
  readonly outcome: Promise<ExecOutcome>
  readonly #socket: WebSocket
  readonly #options: StreamOptions
  readonly #context: ExecStreamContext
  readonly #stdout: SinkFeed
  readonly #stderr: SinkFeed
  readonly #stall: StallTimer
  readonly #rate: RateFloor
  readonly #ping: NodeJS.Timeout
  readonly #settled = new AbortController()
  readonly #resolve: (outcome: ExecOutcome) => void
  readonly #reject: (error: unknown) => void
  #opened = false
  #status = Buffer.alloc(0)
  #exitCode: number | undefined
  #linger: NodeJS.Timeout | undefined

  constructor(socket: WebSocket, sinks: ExecSinks, options: StreamOptions, context: ExecStreamContext) {
    const { promise, resolve, reject } = Promise.withResolvers<ExecOutcome>()
    this.outcome = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#socket = socket
    this.#options = options
    this.#context = context
    this.#stall = new StallTimer(options.stallTimeoutMs, () => this.#fail(this.#stalled()))
    this.#rate = new RateFloor(WINDOW_STALLS * options.stallTimeoutMs)
    this.#ping = setInterval(() => this.#sendPing(), PING_MS)
    socket.on('upgrade', (response) => this.#onUpgrade(response))
    socket.on('open', () => (this.#opened = true))
    socket.on('message', (data) => this.#guarded(() => this.#onMessage(data)))
    socket.on('unexpected-response', (_request, response) => void this.#onRefusal(response))
    socket.on('error', (error) => this.#fail(this.#socketError(error)))
    socket.on('close', (code) => void this.#onClose(code))
    this.#stdout = new SinkFeed(sinks.stdout, this.#fail)
    this.#stderr = new SinkFeed(sinks.stderr, this.#fail)
    options.signal.addEventListener('abort', this.#onAbort, { once: true })
    if (options.signal.aborted) this.#onAbort()
  }

  get #bytes(): number {
    return this.#stdout.bytes + this.#stderr.bytes
  }

  #onMessage(data: RawData): void {
    const message = Buffer.isBuffer(data)
      ? data
      : Array.isArray(data)
        ? Buffer.concat(data)
        : Buffer.from(data)
    const payload = message.subarray(1)
    if (payload.length === 0) return // how servers open each channel
    this.#stall.touch()
    if (!this.#rate.keptBy(payload.length)) throw this.#tooSlow()
    this.#linger?.refresh()
    const channel = message.readUInt8(0)
    if (channel === CHANNEL.stdout) this.#receive(this.#stdout, payload)
    else if (channel === CHANNEL.stderr) this.#receive(this.#stderr, payload)
    else if (channel === CHANNEL.status) this.#receiveStatus(payload)
    else
      throw new ImpoundError('server', `The server sent data on channel ${channel}, which exec doesn't have.`)
  }

  #receive(feed: SinkFeed, payload: Buffer): void {
    const { maxBytes, maxStderrBytes = maxBytes } = this.#options
    const stderrRoom = feed === this.#stderr ? maxStderrBytes - feed.bytes : Infinity
    const room = Math.min(maxBytes - this.#bytes, stderrRoom)
    feed.push(payload.subarray(0, Math.max(0, room)))
    if (payload.length > stderrRoom)
      throw new ImpoundError('too-big', `The stderr of the exec is larger than ${maxStderrBytes} bytes.`)
    if (payload.length > room)
      throw new ImpoundError('too-big', `The output is larger than ${maxBytes} bytes.`)
    if (feed.full) void this.#wait(feed)
  }

  /** Reads nothing more until the sink has room: the far end is made to wait, and memory stays bounded. */
  async #wait(feed: SinkFeed): Promise<void> {
    if (this.#socket.isPaused) return
    this.#socket.pause()
    this.#stall.hold()
    this.#rate.hold()
    clearTimeout(this.#linger)
    try {
      await feed.ready(this.#settled.signal)
      // both sinks may have filled up in the same read
      await this.#stdout.ready(this.#settled.signal)
      await this.#stderr.ready(this.#settled.signal)
    } catch {
      return // settled, or about to be: the feed has said why
    }
    this.#stall.release()
    this.#rate.release()
    this.#lingerFromNow()
    this.#socket.resume()
  }

  #receiveStatus(payload: Buffer): void {
    if (this.#exitCode !== undefined) throw new ImpoundError('server', 'The server sent two exec statuses.')
    if (this.#status.length + payload.length > MAX_STATUS)
      throw new ImpoundError('server', `The exec status is larger than ${MAX_STATUS} bytes.`)
    this.#status = Buffer.concat([this.#status, payload])
    let status: unknown
    try {
      status = JSON.parse(this.#status.toString('utf8'))
    } catch {
      return // the rest is still to come; a close without it is a cut
    }
    this.#exitCode = readExecStatus(status)
    this.#lingerFromNow()
  }

  /** After the status, output may still be on its way (the API server joins two streams): the server's close ends it. */
  #lingerFromNow(): void {
    if (this.#exitCode === undefined) return
    clearTimeout(this.#linger)
    const wait = Math.min(LINGER_MS, this.#options.stallTimeoutMs)
    this.#stall.hold()
    this.#linger = setTimeout(() => void this.#finish(), wait)
  }

  async #onClose(code: number): Promise<void> {
    if (this.#exitCode !== undefined) return this.#finish()
    const what = this.#opened ? 'The exec stream' : 'The exec handshake'
    this.#fail(cutError(new Error(`closed with code ${code}`), what, this.#bytes))
  }

  async #finish(): Promise<void> {
    clearTimeout(this.#linger)
    this.#stall.hold()
    try {
      await this.#stdout.flushed(this.#settled.signal)
      await this.#stderr.flushed(this.#settled.signal)
    } catch {
      return
    }
    const exitCode = this.#exitCode
    if (this.#settled.signal.aborted || exitCode === undefined) return
    this.#cleanUp()
    this.#resolve({ exitCode, stdoutBytes: this.#stdout.bytes, stderrBytes: this.#stderr.bytes })
  }

  readonly #fail = (error: unknown): void => {
    if (this.#settled.signal.aborted) return
    this.#cleanUp()
    this.#reject(error)
  }

  #cleanUp(): void {
    this.#settled.abort()
    clearTimeout(this.#linger)
    clearInterval(this.#ping)
    this.#stall.stop()
    this.#stdout.release()
    this.#stderr.release()
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#socket.removeAllListeners()
    // ending a socket that is still connecting is an error event, and nobody listens any more
    this.#socket.on('error', () => undefined)
    this.#socket.terminate()
  }

  readonly #onAbort = (): void => this.#fail(abortReason(this.#options.signal))

  #guarded(work: () => void): void {
    if (this.#settled.signal.aborted) return
    try {
      work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #sendPing(): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping(() => undefined)
  }

  #onUpgrade(response: IncomingMessage): void {
    if (response.socket instanceof TLSSocket) this.#context.observed(response.socket)
  }

  async #onRefusal(response: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = []
    let bytes = 0
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > MAX_REFUSAL) break
      }
    } catch {
      // what came of it is what there is to say
    }
    const headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, String(value ?? '')]),
    )
    this.#fail(
      this.#context.refused({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks) }),
    )
  }

  #socketError(cause: Error): ImpoundError {
    if ('code' in cause && cause.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH')
      return new ImpoundError('too-big', 'The server sent a message that is too large to be held.', { cause })
    if (this.#opened) return cutError(cause, 'The exec stream', this.#bytes)
    if (/subprotocol/i.test(cause.message))
      return new ImpoundError(
        'server',
        `The server speaks no exec protocol that impound knows: ${messageOf(cause)}.`,
        {
          cause,
          hints: ['A proxy in between may not pass WebSockets on.'],
        },
      )
    if (/handshake has timed out/.test(cause.message))
      return new ImpoundError('timeout', 'The exec was not answered in time.', { cause })
    return this.#context.unreachable(cause)
  }

  #stalled(): ImpoundError {
    const { stallTimeoutMs } = this.#options
    return new ImpoundError('stalled', `The exec stream moved no byte for ${stallTimeoutMs / 1000} s.`, {
      hints: [`${this.#bytes} bytes had come.`],
    })
  }

  #tooSlow(): ImpoundError {
    const seconds = (WINDOW_STALLS * this.#options.stallTimeoutMs) / 1000
    return new ImpoundError(
      'stalled',
      `The exec stream moved fewer than ${FLOOR_BYTES} bytes in ${seconds} s.`,
      {
        hints: [
          `${this.#bytes} bytes had come.`,
          'Where the way is that slow, a longer --stall-timeout allows for it.',
        ],
      },
    )
  }
}
