import { Writable } from 'node:stream'

import { receive } from '../../formats/received.js'
import type { CollectContext } from '../../model/collector.js'
import type { ImpoundError } from '../../model/errors.js'
import type { NodeSession } from '../../model/ports/node-pod.js'
import type { ContainerRef, StreamOptions } from '../../model/ports/streams.js'

/** Of stderr: a shell that is none can flood it. */
const MOST_STDERR = 1 << 20
const KEPT_STDERR = 64 << 10

/** Where the script for processes can be run, and how far what it says can be trusted. */
export interface ScriptPlace {
  readonly method: 'exec' | 'node'
  /** For the ledger and for `Source.request`. */
  readonly request: string
  run(args: readonly string[], stdout: Writable, options: StreamOptions): Promise<PlaceEnd>
}

interface PlaceEnd {
  readonly exitCode: number
  readonly stderr: string
  /** False where the far end counted other bytes than came; a container does not count. */
  readonly complete: boolean
}

export interface ScriptEnd {
  readonly exitCode: number | undefined
  readonly stderr: string
  readonly complete: boolean
  /** What ended the stream before the far end did; not that we left it. */
  readonly failure: ImpoundError | undefined
}

export interface ScriptRun {
  /** What ends it early is told by `end`; leaving it early ends the script. */
  readonly stdout: AsyncIterable<Buffer>
  /** Never rejects; settles after stdout was read to its end or left. */
  readonly end: Promise<ScriptEnd>
}

/** In the suspect container, by its own sh: only what its PID namespace has, and as far as it tells the truth. */
export function inContainer(context: CollectContext, where: ContainerRef, script: string): ScriptPlace {
  return {
    method: 'exec',
    request: `exec ${where.container}: sh -c (templates/processes.sh) impound-processes`,
    async run(args, stdout, options) {
      const stderr = new Beginning(KEPT_STDERR)
      const argv = ['sh', '-c', script, 'impound-processes', ...args]
      const sinks = { stdout, stderr }
      const outcome = await context.exec.exec(where, argv, sinks, {
        ...options,
        maxStderrBytes: MOST_STDERR,
      })
      return { exitCode: outcome.exitCode, stderr: stderr.text(), complete: true }
    },
  }
}

/** On the node, by our own pod. `script` has templates/node/containers.sh before it. */
export function onNode(session: NodeSession, script: string): ScriptPlace {
  return {
    method: 'node',
    request: `node ${session.node}: sh -c (templates/processes.sh) impound-processes`,
    run: (args, stdout, options) => session.run({ name: 'processes', text: script, args }, stdout, options),
  }
}

/** Starts the script there. */
export function runScript(
  place: ScriptPlace,
  args: readonly string[],
  options: StreamOptions,
  progress: (bytes: number) => void,
): ScriptRun {
  const { bytes, end } = receive((sink, signal) => place.run(args, sink, { ...options, signal }), {
    signal: options.signal,
    what: 'reading processes',
    progress,
  })
  const nothing = { exitCode: undefined, stderr: '', complete: false }
  return { stdout: bytes, end: end.then(({ run, failure }) => ({ ...(run ?? nothing), failure })) }
}

/** Keeps the first bytes of what is written to it. */
class Beginning extends Writable {
  readonly #most: number
  readonly #kept: Buffer[] = []
  #bytes = 0

  constructor(most: number) {
    super()
    this.#most = most
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const fits = Buffer.from(chunk.subarray(0, this.#most - this.#bytes))
    if (fits.length > 0) this.#kept.push(fits)
    this.#bytes += fits.length
    done()
  }

  text(): string {
    return Buffer.concat(this.#kept).toString('utf8')
  }
}
