import type { NodeProgram } from './program.js'
import { inNetworkOf } from './pod-network.js'

/** templates/node/drop-connections.sh on a node of the lab, with an image that has nft and conntrack. */
export const dropConnections: NodeProgram = (call) => {
  const [action, name = '', container = ''] = call.args
  return inNetworkOf(call, container, async (pod) => {
    const { network, out } = call
    if (action === 'drop') network.drop(pod, name)
    if (action === 'restore') network.restore(pod, name)
    const rules = network.rulesOf(pod, name)
    const said =
      rules === undefined ? ['rules=no'] : ['rules=yes', `dropped-in=${rules.in}`, `dropped-out=${rules.out}`]
    await out(['tool=nft', 'conntrack=own', ...said].map((line) => `${line}\n`).join(''))
    return 0
  })
}
