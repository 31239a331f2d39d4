import type { Writable } from 'node:stream'

export interface StreamOptions {
  readonly signal: AbortSignal
  /**
   * The stream fails as `stalled` when no byte moved for this long, in ms. Waiting for our own sink doesn't count. An exec fails
   * so too when fewer than 64 KiB moved in ten times this long: who writes into it may be hostile, and a byte now and then
   * would hold it open for ever.
   */
  readonly stallTimeoutMs: number
  /** The stream fails as `too-big` past this many bytes of payload. */
  readonly maxBytes: number
  /** Of `maxBytes`, what an exec's stderr may be: past it the exec fails as `too-big`. Absent: all of it. */
  readonly maxStderrBytes?: number
}

export interface ContainerRef {
  readonly namespace: string
  readonly pod: string
  readonly container: string
}

export interface ExecOutcome {
  /** The exit status of the process, as the server says it. */
  readonly exitCode: number
  readonly stdoutBytes: number
  readonly stderrBytes: number
}

/**
 * Runs a program in a container. Resolves when the server sent the status *and* all that came before it is written
 * to the sinks (and flushed through their backpressure). A non-zero exit resolves. Rejects otherwise, always:
 * forbidden, not-found, unreachable, cut (closed without a status), stalled, too-big, aborted,
 * target-refused (the program can't be started, the container isn't running). The sinks are not ended or destroyed.
 */
export interface Exec {
  exec(
    where: ContainerRef,
    argv: readonly string[],
    sinks: { readonly stdout: Writable; readonly stderr: Writable },
    options: StreamOptions,
  ): Promise<ExecOutcome>
}

export interface LogRequest extends ContainerRef {
  readonly previous: boolean
}

export interface LogOutcome {
  readonly bytes: number
  /** URL path with query, as sent. */
  readonly request: string
  readonly auditId: string
  /** True where the kubelet's certificate could not be checked by the API server and was not (insecureSkipTLSVerifyBackend). */
  readonly backendUnverified: boolean
}

/**
 * A container's log as the API has it: the newest log file of the current or the previous run, with timestamps, raw bytes.
 * Resolves at the end that the server marked; rejects with `cut` where the connection ended without it, and as Exec does.
 * No such run (no previous container) rejects with `not-found`. The sink is not ended or destroyed.
 */
export interface LogStream {
  log(request: LogRequest, sink: Writable, options: StreamOptions): Promise<LogOutcome>
}
