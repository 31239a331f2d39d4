import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import { WebSocketServer, type WebSocket } from 'ws'

import { authorizeResource } from '../access/authorize.js'
import type { FaultEffect } from '../faults/faults.js'
import { containerNamed, runtimeContainer } from '../kubelet/pod-container.js'
import type { LabContainer } from '../types.js'
import type { ApiCall, ApiContext } from './call.js'
import { CHANNEL, ExecFrames } from './exec-frames.js'
import { execFailure, execSuccess, nonZeroExit } from './exec-status.js'
import type { LabVersion } from './resources.js'
import { ApiStatus, methodNotAllowed } from './status.js'
import { existing } from './write.js'

/** Preferred first. Up to 1.29 a server knows v4 alone, and refuses a client that offers only others. */
const PROTOCOLS: Readonly<Record<LabVersion, readonly string[]>> = {
  '1.36': ['v5.channel.k8s.io', 'v4.channel.k8s.io'],
  '1.20': ['v4.channel.k8s.io'],
}

/** A stream that is ready to be opened: everything that is answered with plain HTTP has been checked. */
export interface ExecPlan {
  readonly argv: readonly string[]
  readonly stdout: boolean
  readonly stderr: boolean
  readonly containerName: string
  /** Undefined where the container doesn't run. */
  readonly container: LabContainer | undefined
  readonly protocol: string
}

/** Throws ApiStatus for what the API server answers with instead of an upgrade. */
export function planExec(context: ApiContext, call: ApiCall, upgrade: IncomingMessage): ExecPlan {
  if (call.request.subresource !== 'exec' || call.resource.table !== 'pods') throw methodNotAllowed()
  // since 1.35 the GET of a WebSocket needs the right that the POST always needed
  if (context.profile !== '1.20') {
    authorizeResource(call.user, { ...call.request, verb: 'create' }, context.users)
  }
  const pod = existing(context, call)
  const containerName = containerNamed(pod, call.query.get('container'))
  const flag = (name: string): boolean => ['true', '1'].includes(call.query.get(name) ?? '')
  const [stdin, stdout, stderr] = [flag('stdin'), flag('stdout'), flag('stderr')]
  if (!stdin && !stdout && !stderr) {
    throw new ApiStatus(400, 'BadRequest', 'you must specify at least 1 of stdin, stdout, stderr')
  }
  const offered = (upgrade.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  const protocol = PROTOCOLS[context.profile].find((name) => offered.includes(name))
  if (protocol === undefined) throw new ApiStatus(403, 'Forbidden', 'no protocol of the client is known')
  return {
    argv: call.query.getAll('command'),
    stdout,
    stderr,
    containerName,
    container: runtimeContainer(context.runtime, pod, containerName),
    protocol,
  }
}

/** Upgrades the connection and runs the stream to its end. */
export function openExec(
  upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  plan: ExecPlan,
  effect: FaultEffect | undefined,
): void {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => plan.protocol,
  })
  server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
    void run(socket, plan, effect)
  })
}

async function run(socket: WebSocket, plan: ExecPlan, effect: FaultEffect | undefined): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  socket.on('error', () => gone.abort())
  const frames = new ExecFrames(socket, effect)
  // the server's first frame is empty: it says that the streams stand
  await frames.send(plan.stdout ? CHANNEL.stdout : CHANNEL.stderr, Buffer.alloc(0))
  const status = await statusOf(plan, frames, gone.signal)
  if (gone.signal.aborted || frames.stalled) return
  if (effect?.kind !== 'close-without-status')
    await frames.send(CHANNEL.status, Buffer.from(JSON.stringify(status)))
  socket.close(1000)
}

async function statusOf(plan: ExecPlan, frames: ExecFrames, signal: AbortSignal): Promise<object> {
  const { container, argv, containerName } = plan
  if (container === undefined) {
    return execFailure(`unable to upgrade connection: container not found ("${containerName}")`)
  }
  if (argv.length === 0) return execFailure(runcMessage('args must not be empty'))
  const stdout = frames.sink(CHANNEL.stdout, plan.stdout)
  const stderr = frames.sink(CHANNEL.stderr, plan.stderr)
  try {
    const result = await container.exec(argv, stdout, stderr, signal)
    await frames.flushed()
    switch (result.kind) {
      case 'exited':
        return result.exitCode === 0 ? execSuccess() : nonZeroExit(argv, result.exitCode)
      case 'unstartable':
        return execFailure(runcMessage(result.message))
    }
  } catch (error) {
    return execFailure(error instanceof Error ? error.message : String(error))
  }
}

/** containerd's words around runc's, where the seed gives the bare reason. */
function runcMessage(message: string): string {
  return message.includes('OCI runtime exec failed')
    ? message
    : `error executing command in container: failed to exec in container: OCI runtime exec failed: exec failed: ${message}: unknown`
}
