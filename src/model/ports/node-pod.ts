import type { Writable } from 'node:stream'

import type { StreamOptions } from './streams.js'

/**
 * A POSIX shell script of ours for the node, started as `sh -c TEXT impound-NAME ARG…`, so that a process list of the node tells
 * what it is. It writes its payload to stdout and what it has to say to stderr.
 */
export interface NodeScript {
  readonly name: string
  readonly text: string
  readonly args: readonly string[]
}

/** How a script ended. */
export interface NodeRun {
  readonly exitCode: number
  readonly stdoutBytes: number
  /** What the script wrote to stderr, without the trailer; its first and last 64 KiB where it is longer. */
  readonly stderr: string
  /** Whether the far end counted and hashed the same payload as arrived here. False: its end may be missing. */
  readonly complete: boolean
}

/** The pod of ours on one node: privileged, in the host's PID namespace, the node's root filesystem read-only at /host. */
export interface NodeSession {
  readonly node: string
  /** Where it is, for the record. */
  readonly pod: { readonly namespace: string; readonly name: string; readonly image: string }
  /** Rejects as Exec does; a non-zero exit resolves. The sink is not ended. */
  run(script: NodeScript, stdout: Writable, options: StreamOptions): Promise<NodeRun>
}

/**
 * The pods that we may start on nodes (--allow node). One for each node and run: asked for again, the same session or the same
 * refusal is given. Rejects with `refused` (not allowed), `forbidden`, `target-refused` (admission, taint, image), `unsupported` (no
 * Linux, no such node), `timeout` (not ready in time), `aborted`. They are removed when the run ends, however it ends.
 */
export interface NodePods {
  on(node: string, signal: AbortSignal): Promise<NodeSession>
}
