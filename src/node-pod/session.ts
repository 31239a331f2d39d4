import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'

import { HeadAndTail } from '../formats/head-and-tail.js'
import type { NodeRun, NodeScript, NodeSession } from '../model/ports/node-pod.js'
import type { Exec, StreamOptions } from '../model/ports/streams.js'
import { framed, readTrailer } from './frame.js'
import { CONTAINER } from './names.js'

const KEPT = 64 << 10
/** Scripts of ours say little; what they quote of the node may not flood us. */
const MAX_STDERR = 4 << 20

/** What a session is made of. */
export interface SessionParts {
  readonly node: string
  readonly pod: NodeSession['pod']
  readonly exec: Exec
  /** The text of templates/node/frame.sh. */
  readonly frame: string
  readonly random: (bytes: number) => Buffer
}

/** A node pod that runs. */
export function openSession({ node, pod, exec, frame, random }: SessionParts): NodeSession {
  const where = { namespace: pod.namespace, pod: pod.name, container: CONTAINER }
  return {
    node,
    pod,
    async run(script: NodeScript, stdout: Writable, options: StreamOptions): Promise<NodeRun> {
      const nonce = random(8).toString('hex')
      const payload = new Hashed(stdout)
      const stderr = new HeadAndTail({ head: KEPT, tail: KEPT })
      const argv = ['sh', '-c', framed(script.text, frame, nonce), `impound-${script.name}`, ...script.args]
      const outcome = await exec.exec(
        where,
        argv,
        { stdout: payload, stderr },
        { maxStderrBytes: MAX_STDERR, ...options },
      )
      const { said, trailer } = readTrailer(stderr.text(), nonce)
      return {
        exitCode: outcome.exitCode,
        stdoutBytes: payload.bytes,
        stderr: said,
        complete:
          trailer !== undefined &&
          trailer.bytes === payload.bytes &&
          trailer.sha256 === payload.digest() &&
          trailer.exitCode === outcome.exitCode,
      }
    },
  }
}

/** Counts and hashes on the way to a sink that is not ours to end; as slow as that sink is. */
class Hashed extends Writable {
  readonly #sink: Writable
  readonly #hash = createHash('sha256')
  bytes = 0

  constructor(sink: Writable) {
    super({ highWaterMark: 1 << 18 })
    this.#sink = sink
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#hash.update(chunk)
    this.bytes += chunk.length
    this.#sink.write(chunk, done)
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}
