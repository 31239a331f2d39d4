import { podPath, urlPath } from '../model/api-path.js'
import { ImpoundError, isCode } from '../model/errors.js'
import type { ContainerRef, Exec, ExecOutcome, StreamOptions } from '../model/ports/streams.js'
import { type Client, THREE_TRIES } from './client.js'
import { type ExecSinks, ExecStream, type HandshakeAnswer } from './exec-stream.js'
import { containerRefusal, isRefusal } from './exec-status.js'
import type { Answered, RetryPolicy } from './retry.js'
import { abortReason, isUnsent } from './transport-error.js'

/** Newest first; v4 is what servers before 1.29 speak. Both say the exit status in a Status object. */
const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io']

/** A program must not run twice: what began, or may have begun, is never repeated. */
const NOT_BEGUN: RetryPolicy = { ...THREE_TRIES, final: ({ status }) => status !== 429 }

type ExecAttempt = Answered & ({ readonly outcome: ExecOutcome } | { readonly error: unknown })

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
    const attempt = await this.#client.retried(
      () => this.#attempt(where, argv, sinks, options),
      NOT_BEGUN,
      `exec in ${where.container} of ${where.namespace}/${where.pod}`,
      options.signal,
    )
    if ('error' in attempt) throw attempt.error
    return attempt.outcome
  }

  /** Throws only where nothing was sent; every other end is an answer, and most of them are final. */
  async #attempt(
    where: ContainerRef,
    argv: readonly string[],
    sinks: ExecSinks,
    options: StreamOptions,
  ): Promise<ExecAttempt> {
    const { transport, requestTimeoutMs } = this.#client.options
    const path = execPath(where, argv)
    const socket = await transport.openSocket(path, PROTOCOLS, requestTimeoutMs, options.signal)
    let refusal: HandshakeAnswer = { status: 0, headers: {}, body: Buffer.alloc(0) }
    const stream = new ExecStream(socket, sinks, options, {
      unreachable: (cause) => transport.unreachable(cause),
      refused: (answer) => {
        refusal = answer
        return this.#refused(where, answer)
      },
      observed: (tls) => transport.observe(tls),
    })
    try {
      return { status: 101, headers: {}, outcome: await stream.outcome }
    } catch (error) {
      if (isCode(error, 'unreachable') && isUnsent(error.cause)) throw error
      return { status: refusal.status, headers: refusal.headers, error }
    }
  }

  #refused(where: ContainerRef, answer: HandshakeAnswer): ImpoundError {
    const path = podPath(where.namespace, where.pod, 'exec')
    // a WebSocket is a GET, and that is what older servers authorise; since 1.35 they ask for create too
    const right = `get and create pods/exec in ${where.namespace}`
    const error = this.#client.failure({ method: 'GET', path }, answer, right)
    const containerGone = error.code === 'invalid' && /is not valid for pod/.test(error.message)
    const details = { cause: error, httpStatus: answer.status }
    if (containerGone) return new ImpoundError('not-found', error.message, details)
    if (!isCode(error, 'invalid', 'server') || !isRefusal(error.message)) return error
    return containerRefusal(error.message, details)
  }
}

function execPath({ namespace, pod, container }: ContainerRef, argv: readonly string[]): string {
  const query = new URLSearchParams({ container, stdout: 'true', stderr: 'true' })
  for (const argument of argv) query.append('command', argument)
  return `${urlPath(podPath(namespace, pod, 'exec'))}?${query.toString()}`
}
