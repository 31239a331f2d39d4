import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { ImpoundError } from '../../src/model/errors.js'
import type { NodePods, NodeRun, NodeScript } from '../../src/model/ports/node-pod.js'

export interface LocalNodeParts {
  /** What stands for the node's root. */
  readonly host: string
  /** Before a script starts: what a node may do meanwhile. */
  readonly before?: (script: NodeScript) => void | Promise<void>
  readonly after?: (script: NodeScript) => void | Promise<void>
  readonly refuse?: ImpoundError
  /** More of the environment: IMPOUND_PROC. */
  readonly env?: Readonly<Record<string, string>>
}

/** Nodes of which the scripts run here, with a folder for the node's root. */
export function localNode(parts: LocalNodeParts): NodePods & { readonly ran: NodeScript[] } {
  const ran: NodeScript[] = []
  return {
    ran,
    on: (node) =>
      parts.refuse === undefined
        ? Promise.resolve({
            node,
            pod: { namespace: 'impound', name: 'node-pod', image: 'test' },
            async run(script, stdout, options): Promise<NodeRun> {
              ran.push(script)
              await parts.before?.(script)
              const end = await runLocally(script, stdout, options.signal, parts)
              await parts.after?.(script)
              return end
            },
          })
        : Promise.reject(parts.refuse),
  }
}

async function runLocally(
  script: NodeScript,
  stdout: Writable,
  signal: AbortSignal,
  { host, env }: LocalNodeParts,
): Promise<NodeRun> {
  const child = spawn('sh', ['-c', script.text, `impound-${script.name}`, ...script.args], {
    env: { ...process.env, ...env, IMPOUND_HOST: host },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const closed = new Promise<number>((resolve, reject) => {
    child.on('error', () => reject(new ImpoundError('aborted', 'interrupted')))
    child.on('close', (code) => resolve(code ?? 255))
  })
  let bytes = 0
  const [exitCode] = await Promise.all([
    closed,
    pipeline(
      child.stdout,
      async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          bytes += chunk.length
          yield chunk
        }
      },
      stdout,
      { end: false },
    ).catch((error: unknown) => {
      if (!signal.aborted) throw error
    }),
  ])
  return { exitCode, stdoutBytes: bytes, stderr, complete: true }
}
