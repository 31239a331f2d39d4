import { at, type JsonObject } from '../../model/json.js'
import type { NodeCall } from './program.js'

/** Does something in the network namespace of a container's pod; exits as the scripts of templates/node do where there is none to enter. */
export async function inNetworkOf(
  { containers, err }: NodeCall,
  container: string,
  work: (pod: JsonObject) => Promise<number>,
): Promise<number> {
  const found = containers.find(({ id, running }) => id === container && running)
  if (found === undefined) {
    await err('no process of the container runs on this node\n')
    return 3
  }
  if (at(found.pod, 'spec', 'hostNetwork') === true) {
    await err('the container is in the network of its node\n')
    return 4
  }
  return work(found.pod)
}
