import { ImpoundError } from '../model/errors.js'
import type { NodePods } from '../model/ports/node-pod.js'

/** For what may start nothing on a node. */
export const NO_NODE_PODS: NodePods = {
  on: () => Promise.reject(new ImpoundError('refused', 'a plan and a release start no pod on a node')),
}
