import { asString, at, type JsonObject } from '../../model/json.js'
import { socketTable } from '../shop/container/proc.js'
import { uidOf } from '../store/object.js'
import { inNetworkOf } from './pod-network.js'
import type { NodeCall, NodeProgram } from './program.js'

/** templates/node/probe-network.sh on a node of the lab. */
export const probeNetwork: NodeProgram = (call) => {
  const [container = '', own = '', first = '', ...destinations] = call.args
  return inNetworkOf(call, container, async (suspect) => {
    const here = asString(at(call.pod, 'status', 'podIP')) ?? ''
    const [peer, inbound, inboundControl, peerControl] = [0, 1, 2, 3].map((more) => Number(first) + more)
    const listeners = new Set([
      `${here}:${peer}`,
      `${here}:${peerControl}`,
      `${own}:${inbound}`,
      `${own}:${inboundControl}`,
    ])
    const lines: string[] = []
    const probe = (
      label: string,
      from: 'suspect' | 'control',
      where: string,
      pod: JsonObject,
      to = where,
    ): void => {
      const colon = to.lastIndexOf(':')
      const reach = call.network.reach(pod, to.slice(0, colon), Number(to.slice(colon + 1)), listeners)
      lines.push(`probe ${label} ${where} ${from} ${reach}`)
    }
    for (const destination of destinations) {
      const colon = destination.indexOf(':')
      const [label, where] = [destination.slice(0, colon), destination.slice(colon + 1)]
      probe(label, 'suspect', where, suspect)
      probe(label, 'control', where, call.pod)
    }
    probe('peer', 'suspect', `${here}:${peer}`, suspect)
    probe('peer', 'control', `${here}:${peerControl}`, call.pod)
    if (own !== '') {
      probe('inbound', 'suspect', `${own}:${inbound}`, call.pod)
      probe('inbound', 'control', `${own}:${inbound}`, suspect, `${own}:${inboundControl}`)
    }
    await call.out([...lines.sort(), ...tables(call, suspect), 'end', ''].join('\n'))
    return 0
  })
}

/** The kernel's tables of the network that the pod's containers share, without their heads. */
function tables({ containers }: NodeCall, suspect: JsonObject): readonly string[] {
  const sockets = containers
    .filter(({ pod, running }) => running && uidOf(pod) === uidOf(suspect))
    .flatMap(({ inside }) => inside?.sockets ?? [])
  return (['tcp', 'tcp6'] as const).flatMap((protocol) =>
    socketTable(
      sockets.filter((socket) => socket.protocol === protocol),
      protocol,
    )
      .split('\n')
      .slice(1, -1)
      .map((line) => `${protocol} ${line}`),
  )
}
