import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

import { ImpoundError } from '../../src/model/errors.js'
import type { Exec } from '../../src/model/ports/streams.js'

export interface Saying {
  readonly mounts?: readonly string[]
  readonly xattrs?: boolean
  readonly complaints?: readonly string[]
  readonly tar?: number
  readonly exitCode?: number
  /** Undefined: what is true. */
  readonly bytes?: number | '-'
  readonly sha256?: string
  readonly noTrailer?: boolean
  /** Rejects with this after so many bytes of the tar. */
  readonly breaks?: { readonly after: number; readonly error: ImpoundError }
}

/** An exec whose far end sends a tar and says of it what the capture script would say, or what a test wants it to say. */
export function sending(tar: Buffer, saying: Saying = {}): Exec {
  return {
    exec: async (_where, _argv, { stdout, stderr }, { signal }) => {
      for (const mount of saying.mounts ?? []) stderr.write(`impound-mount v1 ${mount}\n`)
      stderr.write(
        `impound-begin v1 mounts=known xattrs=${saying.xattrs === true ? 'yes' : 'no'} exclude=yes counted=yes\n`,
      )
      const sent = saying.breaks === undefined ? tar : tar.subarray(0, saying.breaks.after)
      for (let at = 0; at < sent.length; at += 4096) {
        if (signal.aborted) throw new ImpoundError('aborted', 'aborted')
        await write(stdout, sent.subarray(at, at + 4096))
      }
      if (saying.breaks !== undefined) throw saying.breaks.error
      for (const line of saying.complaints ?? []) stderr.write(`${line}\n`)
      const sha256 = saying.sha256 ?? createHash('sha256').update(tar).digest('hex')
      if (saying.noTrailer !== true)
        stderr.write(
          `impound-trailer v1 bytes=${saying.bytes ?? tar.length} sha256=${sha256} tar=${saying.tar ?? 0}\n`,
        )
      return { exitCode: saying.exitCode ?? saying.tar ?? 0, stdoutBytes: sent.length, stderrBytes: 0 }
    },
  }
}

async function write(sink: Writable, chunk: Buffer): Promise<void> {
  if (!sink.write(chunk) && !sink.destroyed) await once(sink, 'drain')
}

/** An exec that runs `prefix` and the argv here, as a container's runtime would. */
export function running(...prefix: readonly string[]): Exec {
  return {
    exec: async (_where, argv, { stdout, stderr }, { signal }) => {
      const [program = '', ...args] = [...prefix, ...argv]
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal })
      let stdoutBytes = 0
      let stderrBytes = 0
      const pump = async (
        from: AsyncIterable<Buffer>,
        to: Writable,
        count: (bytes: number) => void,
      ): Promise<void> => {
        for await (const chunk of from) {
          count(chunk.length)
          await write(to, chunk)
        }
      }
      const closed = once(child, 'close')
      closed.catch(() => undefined)
      await Promise.all([
        pump(child.stdout, stdout, (bytes) => (stdoutBytes += bytes)),
        pump(child.stderr, stderr, (bytes) => (stderrBytes += bytes)),
      ])
      const [exitCode] = (await closed) as [number | null]
      return { exitCode: exitCode ?? 255, stdoutBytes, stderrBytes }
    },
  }
}
