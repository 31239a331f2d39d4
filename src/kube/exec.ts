import { podPath, urlPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { ContainerRef, Exec, ExecOutcome, StreamOptions } from '../model/ports/streams.js'
import type { Client } from './client.js'
import { type ExecSinks, ExecStream, type HandshakeAnswer } from './exec-stream.js'
import { isRefusal } from './exec-status.js'
import { abortReason } from './transport-error.js'

/** Newest first; v4 is what servers before 1.29 speak. Both say the exit status in a Status object. */
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

/** Exec over WebSocket: GET …/exec, with backpressure, and an end that always comes. */
export class ApiExec implements Exec {
  readonly #client: Client

  constructor(client: Client) {
    this.#client = client
  }

  async exec(
    where: ContainerRef,
    argv: readonly string[],
    sinks: ExecSinks,
    options: StreamOptions,
  ): Promise<ExecOutcome> {
    if (options.signal.aborted) throw abortReason(options.signal)
    try {
      return await this.#once(where, argv, sinks, options)
    } catch (error) {
      // nothing ran and nothing was written: a new credential may do
      if (!isCode(error, 'unauthorized') || !this.#client.options.authentication.renewable) throw error
      return this.#once(where, argv, sinks, options)
    }
  }

  async #once(
    where: ContainerRef,
    argv: readonly string[],
    sinks: ExecSinks,
    options: StreamOptions,
  ): Promise<ExecOutcome> {
    const { transport, requestTimeoutMs } = this.#client.options
    const path = execPath(where, argv)
    const socket = await transport.openSocket(path, PROTOCOLS, requestTimeoutMs, options.signal)
    const stream = new ExecStream(socket, sinks, options, {
      server: transport.server.display,
      refused: (answer) => this.#refused(where, answer),
      observed: (tls) => transport.observe(tls),
    })
    return stream.outcome
  }

  #refused(where: ContainerRef, answer: HandshakeAnswer): ImpoundError {
    const { authentication } = this.#client.options
    if (answer.status === 401) authentication.invalidate()
    const path = podPath(where.namespace, where.pod, 'exec')
    // a WebSocket is a GET, and that is what older servers authorise; since 1.35 they ask for create too
    const right = `get and create pods/exec in ${where.namespace}`
    const error = this.#client.failure({ method: 'GET', path }, answer, right)
    const containerGone = error.code === 'invalid' && /is not valid for pod/.test(error.message)
    const code = containerGone ? 'not-found' : isRefusal(error.message) ? 'target-refused' : undefined
    if (code === undefined || !['invalid', 'server'].includes(error.code)) return error
    return new ImpoundError(code, error.message, { cause: error, httpStatus: answer.status })
  }
}

function execPath({ namespace, pod, container }: ContainerRef, argv: readonly string[]): string {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' })
  for (const argument of argv) query.append('command', argument)
  return `${urlPath(podPath(namespace, pod, 'exec'))}?${query.toString()}`
}
