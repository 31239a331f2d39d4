import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Writable, type Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'

import { WebSocketServer, type WebSocket } from 'ws'

import type { JsonObject } from '../../model/json.js'
import { authorizeUpgrade } from '../access/authorize.js'
import type { Strike } from '../faults/fault.js'
import { containerNamed, runtimeContainer } from '../kubelet/pod-container.js'
import type { LabContainer } from '../types.js'
import { admit } from './admit.js'
import { goJson } from './answer.js'
import type { ApiCall, ApiContext } from './call.js'
import { CHANNEL, ExecFrames } from './exec-frames.js'
import { execStatus, internalError } from './exec-status.js'
import type { LabVersion } from './resources.js'
import { methodNotAllowed, PlainRefusal } from './status.js'
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
  readonly protocol: string
  /** The container, or what the kubelet says instead of running something in it. */
  readonly inside: LabContainer | string
}

/** Throws what the API server, or the kubelet behind it, answers with instead of an upgrade. */
export function planExec(context: ApiContext, call: ApiCall, upgrade: IncomingMessage): ExecPlan {
  const { request, resource, user, query } = call
  if (request.subresource !== 'exec' || resource.table !== 'pods') throw methodNotAllowed()
  if (context.profile !== '1.20') authorizeUpgrade(user, request, context.users)
  const pod = existing(context, call)
  admit(context, call, undefined, false)
  const name = containerNamed(pod, query.get('container'))
  const offered = (upgrade.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
  const protocol = PROTOCOLS[context.profile].find((known) => offered.includes(known))
  const [stdin, stdout, stderr] = ['stdin', 'stdout', 'stderr'].map((stream) =>
    ['true', '1'].includes(query.get(stream) ?? ''),
  )
  const container = runtimeContainer(context.runtime, pod, name)
  const refusal =
    stdin !== true && stdout !== true && stderr !== true
      ? new PlainRefusal(400, 'you must specify at least 1 of stdin, stdout, stderr')
      : new PlainRefusal(500, `container not found ("${name}")`)
  const inside = container === undefined || refusal.code === 400 ? refusal : container
  // with v5 the API server upgrades before it asks the kubelet
  if (inside === refusal && protocol?.startsWith('v5.') !== true) throw refusal
  if (protocol === undefined) throw new PlainRefusal(403, '')
  return {
    argv: query.getAll('command'),
    stdout: stdout === true,
    stderr: stderr === true,
    protocol,
    inside: inside instanceof PlainRefusal ? inside.message : inside,
  }
}

/** Upgrades the connection and runs the stream to its end. */
export function openExec(
  upgrade: { readonly request: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  plan: ExecPlan,
  strike: Strike | undefined,
): void {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => plan.protocol,
  })
  server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => {
    run(socket, plan, strike).catch(() => socket.terminate())
  })
}

/** Runs the program for nobody: its output is read and dropped. */
export async function runUnseen(plan: ExecPlan): Promise<void> {
  if (typeof plan.inside === 'string' || plan.argv.length === 0) return
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })
  await plan.inside.exec(plan.argv, nowhere(), nowhere(), new AbortController().signal).catch(() => undefined)
}

async function run(socket: WebSocket, plan: ExecPlan, strike: Strike | undefined): Promise<void> {
  const gone = new AbortController()
  socket.once('close', () => gone.abort())
  socket.on('error', () => gone.abort())
  const frames = new ExecFrames(socket, strike)
  // the server's first frame is empty: it says that the streams stand
  await frames.send(plan.stdout ? CHANNEL.stdout : CHANNEL.stderr, Buffer.alloc(0))
  const status = await statusOf(plan, frames, gone.signal)
  if (gone.signal.aborted || frames.stalled) return
  if (strike?.effect.kind !== 'close-without-status')
    await frames.send(CHANNEL.status, Buffer.from(goJson(status)))
  socket.close(1000)
}

async function statusOf(plan: ExecPlan, frames: ExecFrames, signal: AbortSignal): Promise<JsonObject> {
  const { inside, argv } = plan
  const say = execStatus(plan.protocol)
  if (typeof inside === 'string') return internalError(`unable to upgrade connection: ${inside}`)
  if (argv.length === 0) return say.failed(containerdMessage('args must not be empty'))
  const stdout = frames.sink(CHANNEL.stdout, plan.stdout)
  const stderr = frames.sink(CHANNEL.stderr, plan.stderr)
  try {
    const result = await inside.exec(argv, stdout, stderr, signal)
    // the status comes after the last byte of both streams, as the kubelet has it
    await Promise.all([finished(stdout.end()), finished(stderr.end())])
    await frames.flushed()
    frames.outputEnded()
    switch (result.kind) {
      case 'exited':
        return result.exitCode === 0 ? say.success() : say.exited(argv, result.exitCode)
      case 'unstartable':
        return say.failed(containerdMessage(result.message))
    }
  } catch (error) {
    return say.failed(error instanceof Error ? error.message : String(error))
  }
}

/** containerd's words around runc's, where the seed gives runc's or the bare reason. */
function containerdMessage(message: string): string {
  if (message.startsWith('error executing command in container')) return message
  const runc = message.startsWith('OCI runtime exec failed')
    ? message
    : `OCI runtime exec failed: exec failed: ${message}`
  const id = randomBytes(32).toString('hex')
  return `error executing command in container: failed to exec in container: failed to start exec "${id}": ${runc}: unknown`
}
